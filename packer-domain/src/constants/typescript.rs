//! Constants for TypeScript: an object in objects, with ids that know their kinds, and a table of all assets.
//!
//! It needs a target of ES2015 or later, and nothing of Node or of a browser. A key of an object can be any word, also one that
//! the language keeps for itself.

use std::fmt::Write;

use super::ident::camel;
use super::scope::{Naming, Place, Scope};
use super::{Rows, header};

const NAMING: Naming = Naming { folder: Some(camel), asset: camel, is_taken, is_shared: true };

fn is_taken(_: &Place<'_>, _: &str) -> bool {
    false
}

pub(super) fn text(rows: &Rows<'_>) -> String {
    let mut text = String::new();
    for line in header() {
        let _ = writeln!(text, "// {line}");
    }
    text.push_str("/* eslint-disable */\n");
    let kinds: Vec<String> = rows.kinds.iter().map(|kind| format!("\"{kind}\"")).collect();
    union(&mut text, "AssetKind", "The kinds of the assets.", &kinds);
    let names: Vec<String> = rows.by_name.iter().map(|row| format!("\"{}\"", row.name)).collect();
    union(&mut text, "AssetName", "The names of all assets.", &names);
    text.push_str(
        "\n/** The id of an asset, by which a pack finds it; of one kind, or of any. */\n\
         export type AssetId<Kind extends AssetKind = AssetKind> = number & { readonly assetKind: Kind };\n\
         \n/** An asset as it can be looked up. */\n\
         export interface Asset {\n  readonly id: AssetId;\n  readonly name: AssetName;\n  readonly kind: AssetKind;\n}\n\
         \n/** The ids of all assets, by the segments of their names. */\nexport const assets = {\n",
    );
    scope(&mut text, &Scope::new(&rows.by_name, &NAMING, "assets"), 1);
    text.push_str(
        "} as const;\n\nconst rows: readonly (readonly [id: number, name: AssetName, kind: AssetKind])[] = [\n",
    );
    for row in &rows.by_name {
        let _ = writeln!(text, "  [{}, \"{}\", \"{}\"],", row.id, row.name, row.kind);
    }
    text.push_str(LOOKUPS);
    text
}

fn union(text: &mut String, name: &str, about: &str, texts: &[String]) {
    let _ = write!(text, "\n/** {about} */\nexport type {name} =");
    if texts.is_empty() {
        text.push_str(" never");
    }
    for one in texts {
        let _ = write!(text, "\n  | {one}");
    }
    text.push_str(";\n");
}

fn scope(text: &mut String, of: &Scope<'_>, depth: usize) {
    let indent = "  ".repeat(depth);
    for (ident, row) in &of.assets {
        let _ = write!(
            text,
            "{indent}/** `{}`, {} */\n{indent}{ident}: {} as AssetId<\"{}\">,\n",
            row.name, row.kind, row.id, row.kind
        );
    }
    for (ident, below) in &of.folders {
        let _ = write!(text, "{indent}/** `{}/` */\n{indent}{ident}: {{\n", below.path);
        scope(text, below, depth + 1);
        let _ = writeln!(text, "{indent}}},");
    }
}

const LOOKUPS: &str = r"];

/** All assets, by name. */
export const allAssets: readonly Asset[] = /* @__PURE__ */ rows.map(([id, name, kind]) => ({
  id: id as AssetId,
  name,
  kind,
}));

let byId: Map<number, Asset> | undefined;
let byName: Map<string, Asset> | undefined;

/** The asset with this id. */
export function assetById(id: number): Asset | undefined {
  if (byId === undefined) {
    byId = new Map(allAssets.map((asset): [number, Asset] => [asset.id, asset]));
  }
  return byId.get(id);
}

/** The asset with this name. */
export function assetByName(name: AssetName): Asset;
export function assetByName(name: string): Asset | undefined;
export function assetByName(name: string): Asset | undefined {
  if (byName === undefined) {
    byName = new Map(allAssets.map((asset): [string, Asset] => [asset.name, asset]));
  }
  return byName.get(name);
}
";
