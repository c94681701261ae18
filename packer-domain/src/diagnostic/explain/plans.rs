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
Another asset refers to this one, and would go on doing so while builds leave
this one out: the game would find the reference and not what it means. The plan
can be applied all the same. Exclude the other asset too, or let it refer to
something else; `packer explain ASSET` lists who refers to an asset.";

pub(in crate::diagnostic) const PLAN_REFERENCE_IN_RULES: &str = "\
An asset refers to the one that would be renamed, and the reference does not
stand in its anchor: a rule of packer.toml gives it. The packer changes anchors
and the registry, and leaves packer.toml to people, so the plan is blocked and
nothing was changed. Take the value out of the rule, say it in the anchors that
need it, and run the command again.";

pub(in crate::diagnostic) const LANE_FROZEN: &str = "\
An operation was interrupted in the middle of its commit, and it can neither be
finished nor taken back safely: something that it touches was changed by
somebody else since, or the disk failed, or its journal is damaged. Every byte
is still on disk, in place or in .packer/journal/OPERATION.displaced, and the
project can be read; nothing more is committed until this is settled, whatever
the workspace looks like by then. No command settles it yet. By hand: copy
.packer aside, put the files right (`packer events` says what the operation was
about to do), and then delete .packer/journal/OPERATION.frozen. What was
displaced goes to .packer/history with the next command; `packer status` says
what differs then.";

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
