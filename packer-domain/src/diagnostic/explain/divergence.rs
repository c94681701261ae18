//! Explanations of divergences: where the registry and the disk differ.

pub(in crate::diagnostic) const ANCHOR_UNREGISTERED: &str = "\
There is an anchor on disk whose uuid the registry does not hold: somebody wrote
it by hand, copied it from another project, or a merge brought the file without
the registry's line. It is not part of any build until it is registered, and it
does not stop one. To take it in, run `packer reconcile anchor/unregistered --as
register`. To leave it out for good, add its path to .packerignore.";

pub(in crate::diagnostic) const ANCHOR_MISSING: &str = "\
The registry holds an asset whose anchor was found nowhere below the assets
root: it was deleted, or the folder was not checked out. The packer does not
retire it by itself, because a game and other assets may still refer to its id.
An included asset in this state keeps a build from starting. If the anchor
should be there, restore it from version control. If the asset is gone for good,
run `packer reconcile PATH --as retire`: its id stays reserved and is never
given to another asset.";

pub(in crate::diagnostic) const ANCHOR_MOVED: &str = "\
The uuid of a registered asset was found in exactly one anchor, at another path
than the registry says. Most likely the files were moved by hand; the asset
keeps its identity, its id and its name. The packer does not follow by itself,
since the move may not have been meant. An included asset in this state keeps a
build from starting. To accept the new place, run `packer reconcile anchor/moved
--as accept-move`; otherwise move the files back.";

pub(in crate::diagnostic) const ANCHOR_DUPLICATE_UUID: &str = "\
Two or more anchors have the same uuid, most often because a folder was copied
with its anchors. A uuid is what an asset is, so the packer cannot tell which of
them is meant, and builds none of them. To make an asset of its own of every
copy, run `packer reconcile anchor/duplicate-uuid --as new-uuid`: the one at the
registered path keeps its uuid, and `--path P` names a single copy. Or delete
the copies that were not meant.";

pub(in crate::diagnostic) const ANCHOR_INVALID: &str = "\
The anchor of a registered asset was found, and what it says cannot be used:
other findings on the same file say what is wrong and where. The asset keeps its
id meanwhile, and an included one keeps a build from starting. No command mends
an anchor's meaning, since only its author knows it. Run `packer check`, correct
what it shows, and run it again.";

pub(in crate::diagnostic) const NAME_CONFLICT: &str = "\
A name is what code and other assets refer to, so it is unique among the managed
assets of a project. Here two of them have one name, as happens when two
branches that each added an asset are merged. References to the name could mean
either, so neither is built. To rename one, run `packer reconcile PATH --as
rename --name NAME`, or edit `name` in its anchor. Then look for references that
meant the renamed one.";

pub(in crate::diagnostic) const REGISTRY_DUPLICATE_ID: &str = "\
Two lines of registry.jsonl give different assets the same id. Ids are drawn
from uuids, so this happens about once in a few billion pairs of assets that two
branches add. A running game could not tell the two apart, so neither is built.
Run `packer reconcile registry/duplicate-id --as reallocate`: the asset that was
made later takes a new id, the other keeps its own. Packs built on the later
asset's branch name it by the old id.";

pub(in crate::diagnostic) const REGISTRY_DUPLICATE_ENTRY: &str = "\
Two lines of registry.jsonl are about the same uuid and differ: two branches
changed one asset's entry in different ways, and the merge kept both lines.
Which of them is right cannot be computed, so the asset is not built until
somebody chooses. Run `packer reconcile registry/duplicate-entry`: it shows the
lines and asks. In a script, `--as keep-1` or `--as keep-2` keeps the line with
that number, counted as shown.";

pub(in crate::diagnostic) const REGISTRY_INVALID: &str = "\
registry.jsonl has one line for each asset, in JSON. The line shown is not one
that the packer can read: a conflict marker of a merge, a line that was cut
short, a field or a schema of a newer packer. The file is left untouched, and
nothing is built or changed, because a registry that is read in part loses
assets. Resolve the conflict (with the .gitattributes that `packer new` writes,
git takes both sides by itself) or restore the file, then run `packer status`.";

pub(in crate::diagnostic) const REGISTRY_MISSING: &str = "\
The folder has a packer.toml and no registry.jsonl beside it. The registry holds
which assets are managed and under which ids, so it is never made up from what
is on disk: a game would then find other ids than before. If the project had
one, restore it from version control. If it never had assets, make the project
anew with `packer new DIR` and copy your packer.toml over.";

pub(in crate::diagnostic) const INPUT_MISSING: &str = "\
An anchor claims files that are not there: the file beside a sidecar is gone, or
none of the patterns of a directory asset matches anything. There is nothing to
bake, so an included asset in this state keeps a build from starting. Restore
the source, or move it back beside its anchor, or correct `inputs`. If the asset
is gone for good, delete its anchor too and run `packer reconcile anchor/missing
--as retire`.";

pub(in crate::diagnostic) const INPUT_SHARED: &str = "\
One source file is claimed by two anchors, for example by a sidecar and by the
patterns of a directory asset around it. Both assets are built, and the content
is packed for each. That may be meant; more often a pattern is wider than it
should be, or a sidecar was left behind. `packer show ASSET` lists what each
claims. Narrow the `inputs` of one of them, or delete the anchor that is not
wanted.";

pub(in crate::diagnostic) const REFERENCE_UNRESOLVED: &str = "\
A setting of an asset names another asset, and no managed asset has that name:
it is mistyped, the target was renamed or retired, or it was never adopted. The
asset cannot be baked without what it refers to, so a build that includes it is
refused. Run `packer list` to see the names, and correct the setting at the
place shown, or adopt the target with `packer adopt PATH`.";

pub(in crate::diagnostic) const REFERENCE_CYCLE: &str = "\
Assets refer to each other in a circle, so that none of them can be baked before
the others. The message shows the circle in order. None of the assets in it can
be built. Decide which reference is not needed and remove it from its anchor, or
move what two of them share into an asset of its own that both refer to. Then
run `packer check`.";
