//! Explanations of what builds say of single assets and of the artifact store.

pub(in crate::diagnostic) const BUILD_BAKED: &str = "\
`packer build --explain` says of each asset that was not taken over from the
last pack why not: which part of its build key is another than it was, or what
was wrong with the last pack. The asset was baked, or fetched from the artifact
store where an earlier build had baked the same. Nothing has to be done.
`packer explain ASSET` says the same of one asset at any time.";

pub(in crate::diagnostic) const STORE_DAMAGED: &str = "\
A file under .packer/store is not the artifact that was put there: it was
changed, cut short by a power cut, or put in another's place. It was removed,
and the asset that needed it was baked anew, so no pack is affected. A single
one after a power cut is nothing to worry about. If it happens again, check the
disk; `packer gc --scrub` checks every artifact.";
