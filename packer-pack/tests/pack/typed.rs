//! Payloads of the built-in kinds as a game reads them, by name and by id, through every door.

use packer_pack::payload::image::ImagePixels;
use packer_pack::payload::sound::SoundData;
use packer_pack::{Data, Pack, ReadError, Verify};

use crate::support::{Asset, asset, feature_packs, open, open_reader, write};

fn typed() -> Vec<Asset> {
    feature_packs().into_iter().find(|(name, _)| *name == "typed payloads").unwrap().1
}

fn packs(assets: &[Asset]) -> Vec<Pack> {
    let (bytes, _) = write(16, assets);
    [Verify::Eager, Verify::OnRead, Verify::Never]
        .into_iter()
        .flat_map(|verify| [open(&bytes, verify).unwrap(), open_reader(&bytes, verify).unwrap()])
        .collect()
}

#[test]
fn each_kind_is_read_as_what_it_is() {
    for pack in packs(&typed()) {
        let picture = pack.by_name("picture").unwrap().image().unwrap();
        assert_eq!((picture.info().width, picture.info().height, picture.info().opaque), (2, 2, true));
        assert_eq!(picture.pixels(), ImagePixels::Rgba8(&[7; 16]));
        let palette = pack.by_id(2).unwrap().image().unwrap();
        assert!(matches!(palette.pixels(), ImagePixels::Indexed8 { colours: 1, indices: [0, 0, 0, 0], .. }));
        let bell = pack.by_name("bell").unwrap().sound().unwrap();
        assert_eq!((bell.info().sample_rate, bell.info().frames), (48_000, 5));
        let SoundData::Pcm16(samples) = bell.data() else { panic!("{bell:?}") };
        assert_eq!(samples.iter().collect::<Vec<_>>(), [1, -2, 3, -4, 5]);
        assert_eq!(pack.by_name("story").unwrap().text().unwrap(), "sjö");
        assert_eq!(pack.by_name("numbers").unwrap().data().unwrap(), Data::Json("[1,2]".into()));
        let packed = pack.by_name("numbers.bin").unwrap().data().unwrap();
        assert_eq!(packed, Data::MessagePack([0x92, 1, 2].as_slice().into()));
    }
}

#[test]
fn another_kind_is_refused_by_name() {
    for pack in packs(&typed()) {
        let (picture, story) = (pack.by_name("picture").unwrap(), pack.by_name("story").unwrap());
        let errors = [
            picture.sound().unwrap_err(),
            picture.text().unwrap_err(),
            picture.data().unwrap_err(),
            story.image().unwrap_err(),
        ];
        assert_eq!(
            errors.map(|error| error.to_string()),
            [
                "asset 1 is not of the kind sound",
                "asset 1 is not of the kind text",
                "asset 1 is not of the kind data",
                "asset 4 is not of the kind image",
            ]
        );
    }
}

#[test]
fn a_payload_that_is_not_laid_out_as_its_kind_is_refused() {
    let broken = [
        asset(1, "picture", "image", [0; 31]),
        asset(2, "bell", "sound", [0; 47]),
        asset(3, "story", "text", b"ab\xff".as_slice()),
        asset(4, "numbers", "data", b"\xff".as_slice()),
        Asset { encoding: 9, ..asset(5, "text.9", "text", "a") },
        Asset { encoding: 9, ..asset(6, "data.9", "data", "a") },
    ];
    for pack in packs(&broken) {
        let fault = |error: ReadError| match error {
            ReadError::Layout { id, .. } => (id, error.to_string()),
            other => panic!("{other}"),
        };
        let faults = [
            fault(pack.by_id(1).unwrap().image().unwrap_err()),
            fault(pack.by_id(2).unwrap().sound().unwrap_err()),
            fault(pack.by_id(3).unwrap().text().unwrap_err()),
            fault(pack.by_id(4).unwrap().data().unwrap_err()),
            fault(pack.by_id(5).unwrap().text().unwrap_err()),
            fault(pack.by_id(6).unwrap().data().unwrap_err()),
        ];
        assert_eq!(faults.each_ref().map(|(id, _)| *id), [1, 2, 3, 4, 5, 6]);
        assert_eq!(faults[2].1, "asset 3 cannot be viewed: the payload of text is not UTF-8 from byte 2");
        assert_eq!(faults[4].1, "asset 5 cannot be viewed: text has no encoding 9");
    }
}
