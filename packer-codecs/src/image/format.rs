//! Which format a file has, by its content. Extensions count only for TGA, which has no signature at its beginning.

use packer_domain::kind::Signature;
use packer_pack::payload::image::SourceFormat;

use super::problem::ImageProblem;

/// What files of the formats with a signature begin with.
pub(super) const SIGNATURES: &[Signature] = &[
    Signature { offset: 0, bytes: b"\x89PNG\r\n\x1a\n" },
    Signature { offset: 0, bytes: b"\xff\xd8\xff" },
    Signature { offset: 8, bytes: b"WEBPVP8" },
    Signature { offset: 0, bytes: b"qoif" },
    Signature { offset: 0, bytes: b"GIF87a" },
    Signature { offset: 0, bytes: b"GIF89a" },
];

/// The footer of newer TGA files; the byte after it is 0.
const TGA_FOOTER: &[u8] = b"TRUEVISION-XFILE.";

/// Known formats that are not read.
const OTHERS: &[(&str, Signature)] = &[
    ("a TIFF image", Signature { offset: 0, bytes: b"II*\0" }),
    ("a TIFF image", Signature { offset: 0, bytes: b"MM\0*" }),
    ("a Photoshop document", Signature { offset: 0, bytes: b"8BPS" }),
    ("a DDS texture", Signature { offset: 0, bytes: b"DDS " }),
    ("a KTX texture", Signature { offset: 0, bytes: b"\xabKTX " }),
    ("a GIMP document", Signature { offset: 0, bytes: b"gimp xcf" }),
    ("an icon", Signature { offset: 0, bytes: b"\0\0\x01\0" }),
    ("an AVIF image", Signature { offset: 4, bytes: b"ftypavif" }),
    ("a HEIF image", Signature { offset: 4, bytes: b"ftyphei" }),
    ("a JPEG XL image", Signature { offset: 0, bytes: b"\xff\x0a" }),
    ("a Radiance HDR image", Signature { offset: 0, bytes: b"#?RADIANCE" }),
    ("a Radiance HDR image", Signature { offset: 0, bytes: b"#?RGBE" }),
    ("an OpenEXR image", Signature { offset: 0, bytes: b"\x76\x2f\x31\x01" }),
    ("a farbfeld image", Signature { offset: 0, bytes: b"farbfeld" }),
    ("a PBM image", Signature { offset: 0, bytes: b"P1\n" }),
    ("a PGM image", Signature { offset: 0, bytes: b"P2\n" }),
    ("a PPM image", Signature { offset: 0, bytes: b"P3\n" }),
    ("a PBM image", Signature { offset: 0, bytes: b"P4\n" }),
    ("a PGM image", Signature { offset: 0, bytes: b"P5\n" }),
    ("a PPM image", Signature { offset: 0, bytes: b"P6\n" }),
    ("a PAM image", Signature { offset: 0, bytes: b"P7\n" }),
    ("an SVG drawing", Signature { offset: 0, bytes: b"<svg" }),
    ("an XML document, perhaps an SVG drawing,", Signature { offset: 0, bytes: b"<?xml" }),
    ("a Git LFS pointer, not the image itself,", Signature { offset: 0, bytes: b"version https://git-lfs" }),
];

/// The name of a format, for people.
pub(super) fn name(format: SourceFormat) -> &'static str {
    match format {
        SourceFormat::Png => "PNG",
        SourceFormat::Jpeg => "JPEG",
        SourceFormat::WebP => "WebP",
        SourceFormat::Qoi => "QOI",
        SourceFormat::Bmp => "BMP",
        SourceFormat::Tga => "TGA",
        SourceFormat::Gif => "GIF",
    }
}

/// The format that an extension promises.
pub(super) fn of_extension(extension: &str) -> Option<SourceFormat> {
    match extension.to_ascii_lowercase().as_str() {
        "png" => Some(SourceFormat::Png),
        "jpg" | "jpeg" => Some(SourceFormat::Jpeg),
        "webp" => Some(SourceFormat::WebP),
        "qoi" => Some(SourceFormat::Qoi),
        "bmp" => Some(SourceFormat::Bmp),
        "tga" => Some(SourceFormat::Tga),
        "gif" => Some(SourceFormat::Gif),
        _ => None,
    }
}

/// The format of `bytes`; `extension` is asked only where the bytes could be TGA without its footer.
pub(super) fn recognise(bytes: &[u8], extension: &str) -> Result<SourceFormat, ImageProblem> {
    let signed = match bytes {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(SourceFormat::Png),
        [0xff, 0xd8, 0xff, ..] => Some(SourceFormat::Jpeg),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(SourceFormat::WebP),
        [b'q', b'o', b'i', b'f', ..] => Some(SourceFormat::Qoi),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(SourceFormat::Gif),
        [b'B', b'M', ..] if is_bmp_header(bytes) => Some(SourceFormat::Bmp),
        _ => None,
    };
    if let Some(format) = signed {
        return Ok(format);
    }
    let footer = bytes.len().checked_sub(TGA_FOOTER.len() + 1).map(|at| &bytes[at..]);
    let signed_tga = footer.is_some_and(|footer| footer.starts_with(TGA_FOOTER));
    if (signed_tga || of_extension(extension) == Some(SourceFormat::Tga)) && is_tga_header(bytes) {
        return Ok(SourceFormat::Tga);
    }
    if let Some((found, _)) = OTHERS.iter().find(|(_, signature)| signature.matches(bytes)) {
        return Err(ImageProblem::OtherFormat { found });
    }
    Err(ImageProblem::NoImage { found: beginning(bytes) })
}

/// Whether what follows the letters `BM`, which alone would claim many texts, is the header of a BMP: either the reserved
/// bytes are zero, as nearly always, or the second header has a size that was ever given to it.
fn is_bmp_header(bytes: &[u8]) -> bool {
    let reserved = bytes.get(6..10);
    let size = bytes.get(14..18).and_then(|size| size.try_into().ok()).map(u32::from_le_bytes);
    reserved == Some(&[0; 4]) || matches!(size, Some(12 | 16 | 40 | 52 | 56 | 64 | 108 | 124))
}

/// Whether the fields of a TGA header have values that the format gives them.
fn is_tga_header(bytes: &[u8]) -> bool {
    let Some(header) = bytes.first_chunk::<18>() else {
        return false;
    };
    let (map, kind, depth) = (header[1], header[2], header[16]);
    map <= 1 && matches!(kind, 1 | 2 | 3 | 9 | 10 | 11) && matches!(depth, 8 | 15 | 16 | 24 | 32)
}

fn beginning(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "the file is empty".to_owned();
    }
    let head: Vec<String> = bytes.iter().take(8).map(|byte| format!("{byte:02X}")).collect();
    format!("the file is no image: it begins with the bytes {}", head.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_signature_is_of_a_format_that_is_recognised() {
        for signature in SIGNATURES {
            let mut head = b"RIFF".to_vec();
            head.resize(signature.offset.max(if signature.offset == 0 { 0 } else { 8 }), 0);
            head.truncate(signature.offset);
            head.extend_from_slice(signature.bytes);
            assert!(recognise(&head, "").is_ok(), "{signature:?}");
        }
    }

    #[test]
    fn a_tga_needs_its_extension_or_its_footer() {
        let mut tga = vec![0; 18];
        tga[2] = 2;
        tga[16] = 24;
        assert!(matches!(recognise(&tga, "TGA"), Ok(SourceFormat::Tga)));
        assert!(matches!(recognise(&tga, "png"), Err(ImageProblem::NoImage { .. })));
        tga.extend_from_slice(b"\0\0\0\0\0\0\0\0TRUEVISION-XFILE.\0");
        assert!(matches!(recognise(&tga, "png"), Ok(SourceFormat::Tga)));
        tga[2] = 99;
        assert!(recognise(&tga, "tga").is_err());
        assert!(recognise(b"TRUEVISION-XFILE.\0", "tga").is_err());
    }

    #[test]
    fn a_bmp_may_use_its_reserved_bytes() {
        let mut bmp = b"BM\0\0\0\0made\0\0\0\0".to_vec();
        assert!(recognise(&bmp, "bmp").is_err());
        bmp.extend_from_slice(&40u32.to_le_bytes());
        assert!(matches!(recognise(&bmp, ""), Ok(SourceFormat::Bmp)));
        bmp[14] = 41;
        assert!(recognise(&bmp, "bmp").is_err());
    }

    #[test]
    fn what_is_no_image_is_described() {
        let message = |bytes: &[u8]| recognise(bytes, "png").unwrap_err().to_string();
        let expected = "expected PNG, JPEG, WebP, QOI, BMP, TGA or GIF";
        assert_eq!(message(b""), format!("the file is empty; {expected}"));
        assert_eq!(
            message(b"hi"),
            format!("the file is no image: it begins with the bytes 68 69; {expected}")
        );
        for (head, found) in [
            (&b"II*\0...."[..], "a TIFF image"),
            (b"#?RADIANCE\n", "a Radiance HDR image"),
            (b"#?RGBE\n", "a Radiance HDR image"),
            (b"v/1\x01\x02\0\0\0", "an OpenEXR image"),
            (b"farbfeld\0\0\0\x01", "a farbfeld image"),
            (b"P4\n8 1\n", "a PBM image"),
            (b"P5\n8 1\n", "a PGM image"),
            (b"P6\n8 1\n", "a PPM image"),
            (b"P7\nWIDTH 8\n", "a PAM image"),
        ] {
            assert_eq!(message(head), format!("the file is {found}; {expected}"));
        }
        assert_eq!(
            message(b"BM is a text"),
            format!("the file is no image: it begins with the bytes 42 4D 20 69 73 20 61 20; {expected}")
        );
    }
}
