//! Explanations of findings in the files that people write: `packer.toml`, anchors, `.packerignore`.

pub(in crate::diagnostic) const CONFIG_SYNTAX: &str = "\
packer.toml is read as TOML, and at the place shown the text stops being TOML: a
quote or bracket that does not close, a value without quotes, a key that stands
twice. Nothing in the file can be relied on until that is mended, so the project
is not opened. Every such place in the file is reported, not only the first.
Mend them, then run `packer check`.";

pub(in crate::diagnostic) const CONFIG_UNKNOWN_KEY: &str = "\
A key stands in packer.toml that the packer does not know at that place. It is
refused rather than passed over, because a mistyped key would otherwise leave a
default in force with nobody noticing. The message suggests the nearest known
key, or lists all that are known there. Correct or remove it, then run `packer
check`.";

pub(in crate::diagnostic) const CONFIG_MISSING_KEY: &str = "\
packer.toml lacks something that has no default: the `[project]` table with its
`name`, or the `match` of a rule. Without a name there is no project, and a rule
that does not say which files it is for is for none. The message says what to
add and where. `packer new DIR` makes a project whose packer.toml shows every
section. Run `packer check` afterwards.";

pub(in crate::diagnostic) const CONFIG_INVALID_VALUE: &str = "\
A value in packer.toml has another type than its key takes, is out of range, or
cannot be meant: a pattern that leaves the assets root, an output folder inside
it, a setting that its kind does not have. The message says what was expected
and what was found. Nothing is built while it stands, since guessing what was
meant could change every asset that it applies to. Correct it at the place
shown, then run `packer check`.";

pub(in crate::diagnostic) const ANCHOR_SYNTAX: &str = "\
An anchor is read as TOML in UTF-8, and at the place shown the text is not that:
a quote or bracket that does not close, a value without quotes, a key that
stands twice, bytes of another encoding. Its asset cannot be built until it is
mended; other assets are not affected. If the uuid can still be read, the asset
keeps its place in the registry meanwhile. Every such place in the file is
reported. Mend them, then run `packer check`.";

pub(in crate::diagnostic) const ANCHOR_UNKNOWN_KEY: &str = "\
A key stands in an anchor that means nothing there: it is mistyped, stands
outside the table of its kind, or belongs to another kind. It is refused rather
than passed over, because a mistyped setting would otherwise leave a default in
force with nobody noticing. The message suggests the nearest known key or says
where the key belongs. Correct, move or remove it, then run `packer check`.";

pub(in crate::diagnostic) const ANCHOR_MISSING_KEY: &str = "\
An anchor must say `uuid`, `name` and `kind`, and the `asset.toml` of a
directory asset also `inputs`. One of them is not there, so what the anchor
declares is not known and its asset cannot be built. A uuid is never made up for
an anchor in passing: that would be another asset. If the file was written by
hand, delete it and run `packer adopt PATH` on its source, which writes a
complete one; otherwise restore the key from version control.";

pub(in crate::diagnostic) const ANCHOR_INVALID_VALUE: &str = "\
A value in an anchor has another type than its key takes, is out of range, or is
not one of the choices. The message says what was expected and what was found,
and every such value in the file is reported. The asset is not built with a
guess instead; the pack of an earlier build stays as it is. Correct it at the
place shown, then run `packer check`.";

pub(in crate::diagnostic) const KIND_UNKNOWN: &str = "\
The kind is what an asset is, and chooses the codec that bakes it. This packer
has no codec for the kind named: it is mistyped, or it belongs to a packer that
a team built with codecs of its own. The asset cannot be built, since nothing
says how. Correct the `kind` at the place shown (the message suggests the
nearest one), or use the packer that has the codec, then run `packer check`.";

pub(in crate::diagnostic) const IGNORE_INVALID: &str = "\
.packerignore says, in the syntax of .gitignore, which files below the assets
root are none of the packer's business. The line shown is not a pattern in that
syntax, so it excludes nothing, and files that it was meant for may be reported
as unclaimed or be adopted. The other lines count as they stand. Correct the
line, then run `packer status` to see what is left out.";
