//! Explanations of findings about names and files below the assets root.

pub(in crate::diagnostic) const PATH_NOT_REPRESENTABLE: &str = "\
The name of a file or folder below the assets root cannot be written as an asset
path: it is not UTF-8, or has a backslash or a control character. It is shown
here with the bad parts replaced. Nothing below it is seen, adopted or built,
because its name could not be stored and found again on every system. Rename it
on disk, or leave it out with .packerignore, then run `packer refresh`.";

pub(in crate::diagnostic) const PATH_COLLISION: &str = "\
Two paths differ only by case or by how Unicode spells a character. On a file
system that folds such differences (the usual ones of Windows and macOS) they
are one file, and a checkout there silently loses one of them. Both are shown.
Rename one of the two on disk; if it is managed, accept its new place with
`packer reconcile anchor/moved --as accept-move`.";

pub(in crate::diagnostic) const PATH_NOT_PORTABLE: &str = "\
Some system does not take this path, or shows it otherwise: a name that Windows
reserves for devices, a dot or space at the end, a character that it forbids,
more than 240 bytes, or a spelling other than Unicode's composed form. It works
here, and a colleague's checkout may fail or differ. The message says which it
is. Rename the file, and if it is managed, accept its new place with `packer
reconcile anchor/moved --as accept-move`.";

pub(in crate::diagnostic) const PATH_SYMLINK: &str = "\
There is a symbolic link below the assets root. The packer does not follow
links: they can leave the project, form circles, and mean something else on
another machine. What the link points at is therefore neither seen nor built.
Put the file itself in its place, or leave the link out with .packerignore, then
run `packer refresh`.";

pub(in crate::diagnostic) const PATH_SPECIAL_FILE: &str = "\
There is a socket, a pipe or a device below the assets root. It has no content
that could be hashed and packed, and reading it could block for ever, so it is
never opened. It does not stop a build. Move it elsewhere, or leave it out with
.packerignore, then run `packer refresh`.";

pub(in crate::diagnostic) const PATH_UNREADABLE: &str = "\
A file or folder below the assets root, or one of the project's own files,
exists and could not be read; the message has the system's reason, most often a
missing permission. What is in it is not known, so no build that includes it is
started: taking it for absent would be a guess. Give yourself the right to read
it (`ls -l` shows who has it) or mend what the system names, then run `packer
refresh`.";

pub(in crate::diagnostic) const PATH_UNSTABLE: &str = "\
While the packer read a file, its size or time changed, again and again: another
program is writing it. Half of an old and half of a new content must not become
an asset, so the file counts as not known until it rests. Wait until the other
program has finished, or close it, then run `packer refresh`. If a program
writes there all the time, leave the file out with .packerignore.";
