//! Explanations of what codecs find in sources.

pub(in crate::diagnostic) const BAKE_DECODE: &str = "\
The content of a source is not what a file of its type must be: it is cut short,
damaged, or not of that type at all. The message has the decoder's reason and,
where there is one, the place. Only this asset fails; the pack of an earlier
build stays, and `packer build --keep-going` builds the rest. Open the file in
the program that made it and export it again, or restore it from version
control, then run `packer build`.";

pub(in crate::diagnostic) const BAKE_ENCODING: &str = "\
A source should be text in UTF-8, and is not: a byte at the place shown stands
for no character, or the file starts with the mark of another encoding. Guessing
an encoding could change the text with nobody noticing, so it is refused. Save
the file as UTF-8, which every editor offers, then run `packer build`. If the
file is no text, give its anchor the kind `raw`.";

pub(in crate::diagnostic) const BAKE_LIMIT: &str = "\
The source is larger, or would unpack to more, than the project allows. The
limits keep one broken or hostile file from exhausting the machine; they are
judged by the sizes that a file declares, before memory is taken for them. If
the file is right, raise the limit that the message names under `[limits]` of
packer.toml: `max_input_bytes`, `max_pixels` or `max_payload_bytes`. Otherwise
shrink or replace the source, then run `packer build`.";

pub(in crate::diagnostic) const BAKE_UNSUPPORTED: &str = "\
The source is valid and of a form that the codec does not take, such as a rare
variant of its format. It is refused rather than read in part, since what would
be missing in the game is hard to find later. The message says which form it is.
Export the source in a form that is taken; or, if the game reads that format
itself, give the anchor the kind `raw`, which keeps the bytes. Then run `packer
build`.";

pub(in crate::diagnostic) const BAKE_SETTINGS: &str = "\
Each setting is valid by itself and does not fit this source, or does not fit
another setting: more colours than an encoding can hold, a size smaller than the
content. What the codec would have to drop or change is not dropped silently.
The message names the setting and the reason. Change it in the anchor, or in the
rule of packer.toml that it comes from (`packer show ASSET` shows both), then
run `packer build`.";

pub(in crate::diagnostic) const BAKE_CONTENT_MISMATCH: &str = "\
The content of a source is of another type than its extension says, for example
a PNG that is called .jpg. It was read by its content, and the asset is right.
Other programs may go by the name and fail, and the next person will wonder.
Nothing has to be done for the build. To be rid of this, rename the source and
its sidecar and run `packer reconcile anchor/moved --as accept-move`.";

pub(in crate::diagnostic) const BAKE_PANIC: &str = "\
A codec panicked while it baked this asset. The panic was contained: other
assets were baked, the earlier pack is untouched, and the failure is remembered,
so the asset is not tried again until its source, its settings or the codec
change. This is a mistake in the codec, whatever the source is. Report it with
the source attached. Meanwhile `packer build --keep-going` builds the rest.";
