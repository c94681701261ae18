//! Explanations of what keeps a plan from being applied, of the lane, and of builds.

pub(in crate::diagnostic) const PLAN_TARGET_MISSING: &str = "\
A command names an asset or a path that does not exist: it is mistyped, or it
was moved or removed since. Nothing is done for the other targets either, since
a plan is applied whole or not at all. `packer list` shows the assets with their
names and paths, `packer status` what has diverged. Correct the target and run
the command again.";

pub(in crate::diagnostic) const PLAN_TARGET_EXISTS: &str = "\
The plan would create a file where one already stands. The packer never
overwrites what it did not read as part of the plan, so the plan is blocked and
nothing was changed. Look at the file: if it is an anchor of its own, `packer
reconcile anchor/unregistered --as register` takes it in. If it is left over
from something else, move or delete it, and run the command again.";

pub(in crate::diagnostic) const PLAN_ALREADY_MANAGED: &str = "\
The target is a managed asset already, or a source that one claims, so there is
nothing to adopt or register. It is left as it is, and the rest of the plan is
not affected. `packer show ASSET` says under which name, id and anchor it is
managed. Nothing has to be done.";

pub(in crate::diagnostic) const PLAN_NO_RULE: &str = "\
No rule of packer.toml matches this file, and neither its extension nor its
first bytes belong to a known kind, so adoption cannot say what it is. The file
is listed and left alone. Add a `[[rules]]` entry with `match` and `kind` to
packer.toml and run `packer adopt PATH` again; or run `packer adopt PATH --kind
raw` to pack its bytes as they are. To leave it out for good, add it to
.packerignore.";

pub(in crate::diagnostic) const PLAN_NAME_TAKEN: &str = "\
The plan would give an asset a name that another managed asset has. Code and
other assets refer to names, so a name stands for one asset, and the plan is
blocked with nothing changed. `packer show NAME` shows the asset that has it.
Choose another name, and run the command again.";

pub(in crate::diagnostic) const PLAN_INVALID_ANCHOR: &str = "\
The plan needs an anchor that cannot be read or says something that cannot be
used; other findings on that file say what and where. What a change to it would
mean is not known, so the plan is blocked and nothing was changed. Run `packer
check`, correct the anchor at the places shown, and run the command again.";

pub(in crate::diagnostic) const PLAN_NOT_DIVERGED: &str = "\
A resolution was asked for where there is nothing to resolve: the registry and
the disk agree at that target, or it was resolved in the meantime. The plan is
blocked, because applying a resolution to a sound asset would change what was
not broken. `packer status` lists the divergences that there are. Name one of
those, or nothing at all to go through all of them with `packer reconcile`.";

pub(in crate::diagnostic) const PLAN_CHOICE_NEEDED: &str = "\
A divergence can be resolved in more than one way, and which is right only a
person knows: for example which of two lines of the registry counts. On a
terminal `packer reconcile` shows them and asks; elsewhere it is blocked and
changes nothing. Say the choice with `--as`, and with `--path` or `--name` where
the resolution needs one. `packer explain CODE` tells what each divergence
offers.";

pub(in crate::diagnostic) const PLAN_RESOLUTION_UNAVAILABLE: &str = "\
The resolution that was asked for does not belong to this divergence, or does
not apply to it as it stands: retiring an asset whose anchor is there, for
example. The plan is blocked and nothing was changed. The message lists the
resolutions that are offered here. Run `packer reconcile TARGET --as RESOLUTION`
with one of those.";

pub(in crate::diagnostic) const PLAN_DIVERGED: &str = "\
The asset is not where, or not as, the registry accepted it: its anchor is
missing, stands elsewhere or in several places, or its name is another's too.
What a change would mean for it is not clear, so the plan is blocked and nothing
was changed. `packer status` says what has diverged and how to resolve it. Do
that, and run the command again.";

pub(in crate::diagnostic) const PLAN_REFERRED_TO: &str = "\
Another asset refers to this one, and would go on doing so. Where this one is
only excluded from builds, the game would find the reference and not what it
means; that is a warning, and the plan can be applied all the same. Where this
one is removed, the reference would lead nowhere, so the plan is blocked.
Exclude or remove the other asset too, or let it refer to something else;
`packer explain ASSET` lists who refers to an asset.";

pub(in crate::diagnostic) const PLAN_REFERENCE_IN_RULES: &str = "\
An asset refers to the one that would be renamed, and the reference does not
stand in its anchor: a rule of packer.toml gives it. The packer changes anchors
and the registry, and leaves packer.toml to people, so the plan is blocked and
nothing was changed. Take the value out of the rule, say it in the anchors that
need it, and run the command again.";

pub(in crate::diagnostic) const PLAN_TARGET_INVALID: &str = "\
A destination is a path below the assets root, with folders separated by `/`: it
is not absolute, has no `..` or empty segment, no backslash and no control
character, and is not itself the name of an anchor (`asset.toml`,
`NAME.asset.toml`). This one breaks one of these rules, so the plan is blocked
and nothing was changed. Give a path such as `ui/confirm.png`; a folder that is
there, or a path that ends in `/`, means into it.";

pub(in crate::diagnostic) const PLAN_TARGET_IGNORED: &str = "\
What would be put at this place would not be seen: a pattern of `.packerignore`
covers it, or it has a name that scans pass over everywhere, such as a hidden
file or an editor's backup. The asset would be missing as soon as it was there,
so the plan is blocked and nothing was changed. Choose another place, or change
the pattern that the message names.";

pub(in crate::diagnostic) const PLAN_INTO_ITSELF: &str = "\
A directory asset is its folder, and the destination is inside of that folder:
it would have to contain itself. The plan is blocked and nothing was changed.
Choose a place outside of it. To nest the folder one level deeper, move it to
another name first and then to where it should be.";

pub(in crate::diagnostic) const PLAN_ANOTHER_DEVICE: &str = "\
A folder that the plan needs is a mount point, or a volume of its own. Files
cannot go there or leave from there in one step, and a plan is carried out whole
or not at all, so it is blocked and nothing was changed. Choose a place on the
device that the project's folder is on; or bring the files over by hand, and let
`packer reconcile` accept where they are.";

pub(in crate::diagnostic) const PLAN_KEY_NOT_SETTABLE: &str = "\
`packer set` changes `preload`, the `inputs` of a directory asset, and the
settings of the asset's kind. Other keys have their own ways: the name is
changed with `packer rename`, which rewrites references too; a uuid is never
changed; and a kind is changed in the anchor itself, together with the table of
its settings. The plan is blocked and nothing was changed.";

pub(in crate::diagnostic) const PLAN_LEFT_BEHIND: &str = "\
Some files near the asset are not its own, or not its alone: a file in a
directory asset's folder that its patterns do not match, or one that another
asset claims too. They stay where they are, and so does the folder they are in.
Move or remove them by hand, or together with the assets that they belong to.";

pub(in crate::diagnostic) const PLAN_MOVED_ON: &str = "\
Undoing puts back exactly what an operation left, and something is no longer so:
a file was edited, moved or removed since, or the registry says something else
of one of the assets. Taking the operation back would take that back too,
without anybody having asked for it, so the plan is blocked and nothing was
changed. Undo what was done since first (`packer log` lists it), or make the
change that you want by itself.";

pub(in crate::diagnostic) const PLAN_LEAVES_DIVERGENCE: &str = "\
Once the plan is applied, the registry and the disk would differ in a way in
which they do not differ now; for example, undoing the acceptance of a move
brings the move back into question. The plan can be applied all the same.
`packer status` lists the divergence then, with its resolutions.";

pub(in crate::diagnostic) const PLAN_NOT_IN_BATCH: &str = "\
A batch is carried out as one operation, and an operation that was interrupted
has to be settled before any other. So a recovery cannot be a part of a batch.
The plan is blocked and nothing was changed. Run `packer recover` by itself,
then the rest.";

pub(in crate::diagnostic) const LANE_FROZEN: &str = "\
An operation was interrupted in the middle of its commit, and it can neither be
finished nor taken back safely: something that it touches was changed by
somebody else since, or the disk failed, or its journal is damaged. Every byte
is still on disk, in place or in .packer/journal/OPERATION.displaced, and the
project can be read; nothing more is committed until this is settled, whatever
the workspace looks like by then. `packer recover` shows the two ways on and
takes the one that is chosen: `--keep-theirs` keeps what was saved meanwhile and
makes the rest as it was before the operation, and `--finish-ours` carries the
operation out. Either way no byte is lost: what gives way goes to
.packer/history. Where nobody can tell what the operation was doing, since its
journal is damaged, `--keep-theirs` leaves everything as it is, and
`packer status` says what differs then.";

pub(in crate::diagnostic) const LANE_LOCK_UNSUPPORTED: &str = "\
The packer locks a file under .packer so that two processes never write one
project at the same time. The file system that the project is on does not
support such locks, as some network shares do not. Without them two commits
could mix, so nothing that writes is allowed; reading with `packer status` and
`packer list` works. Move the project to a local disk.";

pub(in crate::diagnostic) const BUILD_PACK_DAMAGED: &str = "\
The pack in the output folder is not the one that the last build wrote: it was
changed, cut short, or replaced. Nothing was taken over from it; every payload
came from sources that were baked again, and the new pack is whole.
Check the disk if it happens again. `packer verify` tests a pack at any time.";

pub(in crate::diagnostic) const BUILD_NOT_REPRODUCIBLE: &str = "\
`packer build --prove` built the same workspace twice, the second time from
nothing and with another number of threads, and the two packs differ. Some
codec's output depends on more than its inputs and settings, such as the order
of threads, the time or the machine. The message names the assets that differ.
Neither pack should be shipped as reproducible. Report it with one of those
sources; for a codec of your own, look for maps without order, clocks and random
numbers.";
