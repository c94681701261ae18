//! Constants for C and C++: one header with a constant an asset, and a table that one source file of the game defines.
//!
//! No constant is a macro or an enumerator: an id may be more than an `int` holds. All of them begin with `ASSETS_`, so that
//! none is a word of either language; the header's own macros begin otherwise.

use std::fmt::Write;

use super::ident::snake;
use super::scope::{Naming, Place, Scope};
use super::{Rows, header, number_lines};

const NAMING: Naming = Naming { folder: None, asset, is_taken, is_shared: false };

fn asset(name: &str) -> String {
    // Joined without a second `_`, which C++ keeps for itself.
    format!("ASSETS_{}", snake(name).trim_start_matches('_').to_ascii_uppercase())
}

fn is_taken(_: &Place<'_>, _: &str) -> bool {
    false
}

pub(super) fn text(rows: &Rows<'_>) -> String {
    let [first, second, third] = header();
    let mut text = format!("/*\n * {first}\n * {second}\n * {third}\n{ABOUT}");
    for (ident, row) in &Scope::new(&rows.by_name, &NAMING, "").assets {
        let _ = write!(
            text,
            "\n/* `{}`, {} */\nstatic const uint32_t {ident} = {}u;\n",
            row.name, row.kind, row.id
        );
    }
    let count = rows.by_name.len();
    // No list of C may be empty: where there are no assets, one that nothing finds stands there.
    let _ = write!(
        text,
        "{DECLARATIONS}\nconst size_t assets_count = {count};\n\nconst struct assets_asset assets_all[{}] = {{\n",
        count.max(1)
    );
    for row in &rows.by_name {
        let _ = writeln!(text, "    {{{}u, \"{}\", \"{}\"}},", row.id, row.name, row.kind);
    }
    let mut places = rows.places_by_id();
    if places.is_empty() {
        text.push_str("    {0u, \"\", \"\"},\n");
        places.push(0);
    }
    let _ = write!(
        text,
        "}};\n\n/* Where each stands among all, by id. */\nstatic const uint32_t assets_places[{}] = {{\n{}}};\n{LOOKUPS}",
        places.len(),
        number_lines(&places, "    ")
    );
    text
}

const ABOUT: &str = " *
 * One source file of the game defines PACKER_ASSETS_IMPLEMENTATION before it includes this file; it then holds the table of
 * all assets. The constants need no such file.
 */
#ifndef PACKER_ASSETS_INCLUDED
#define PACKER_ASSETS_INCLUDED

#include <stddef.h>
#include <stdint.h>
";

const DECLARATIONS: &str = r#"
#ifdef __cplusplus
extern "C" {
#endif

/* An asset as it can be looked up. */
struct assets_asset {
    uint32_t id;
    const char *name;
    const char *kind;
};

/* All assets, by name, and how many they are. */
extern const struct assets_asset assets_all[];
extern const size_t assets_count;

/* The asset with this id; NULL if there is none. */
const struct assets_asset *assets_by_id(uint32_t id);

/* The asset with this name; NULL if there is none. */
const struct assets_asset *assets_by_name(const char *name);

#ifdef __cplusplus
}
#endif

#endif /* PACKER_ASSETS_INCLUDED */

#if defined(PACKER_ASSETS_IMPLEMENTATION) && !defined(PACKER_ASSETS_IMPLEMENTED)
#define PACKER_ASSETS_IMPLEMENTED

#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif
"#;

const LOOKUPS: &str = r"
const struct assets_asset *assets_by_id(uint32_t id)
{
    size_t low = 0, high = assets_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct assets_asset *asset = &assets_all[assets_places[middle]];
        if (asset->id == id) {
            return asset;
        }
        if (asset->id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

const struct assets_asset *assets_by_name(const char *name)
{
    size_t low = 0, high = assets_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(assets_all[middle].name, name);
        if (order == 0) {
            return &assets_all[middle];
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

#ifdef __cplusplus
}
#endif

#endif /* PACKER_ASSETS_IMPLEMENTATION */
";
