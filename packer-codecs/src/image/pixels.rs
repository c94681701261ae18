//! A decoded picture: 8-bit RGBA with straight alpha, rows tight and from top to bottom.

use super::problem::ImageProblem;

/// The pixels of a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pixels {
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// `width * height * 4` bytes.
    pub(crate) rgba: Vec<u8>,
}

impl Pixels {
    pub(super) fn is_opaque(&self) -> bool {
        self.rgba.chunks_exact(4).all(|pixel| pixel[3] == 255)
    }

    /// Multiplies every colour by its alpha.
    pub(super) fn premultiply(&mut self) {
        for pixel in self.rgba.as_chunks_mut::<4>().0 {
            *pixel = premultiplied(*pixel);
        }
    }
}

/// A colour multiplied by its alpha, rounded to the nearest.
pub(super) fn premultiplied([r, g, b, a]: [u8; 4]) -> [u8; 4] {
    let multiply = |channel: u8| ((u32::from(channel) * u32::from(a) + 127) / 255) as u8;
    [multiply(r), multiply(g), multiply(b), a]
}

/// A buffer of zeros, or the problem that the machine has no room for it.
pub(super) fn buffer(len: u64) -> Result<Vec<u8>, ImageProblem> {
    let mut buffer = Vec::new();
    let len = usize::try_from(len).map_err(|_| ImageProblem::Memory { bytes: len })?;
    buffer.try_reserve_exact(len).map_err(|_| ImageProblem::Memory { bytes: len as u64 })?;
    buffer.resize(len, 0);
    Ok(buffer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn premultiplication_rounds_to_the_nearest() {
        assert_eq!(premultiplied([255, 128, 1, 255]), [255, 128, 1, 255]);
        assert_eq!(premultiplied([255, 128, 1, 0]), [0, 0, 0, 0]);
        assert_eq!(premultiplied([255, 128, 1, 128]), [128, 64, 1, 128]);
        for channel in 0..=255u8 {
            for alpha in 0..=255u8 {
                let exact = f64::from(channel) * f64::from(alpha) / 255.0;
                let [got, ..] = premultiplied([channel, 0, 0, alpha]);
                assert!((f64::from(got) - exact).abs() <= 0.5, "{channel} * {alpha}");
            }
        }
    }

    #[test]
    fn a_buffer_that_no_machine_has_is_a_problem() {
        assert_eq!(buffer(3).unwrap(), [0, 0, 0]);
        assert!(matches!(buffer(u64::MAX / 2), Err(ImageProblem::Memory { .. })));
        assert!(matches!(buffer(u64::MAX), Err(ImageProblem::Memory { .. })));
    }
}
