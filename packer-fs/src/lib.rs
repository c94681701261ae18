//! All input and output of the packer.
