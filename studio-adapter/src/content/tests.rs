//! Every form of content and every lack, pinned.

use packer_runtime::api::{AssetUuid, Diagnostic, DiagnosticCode, Digest, Peak, Revision, Subject, UuidDraw};

use super::*;

fn asset() -> AssetUuid {
    AssetUuid::drawn(UuidDraw { unix_ms: 1_795_338_000_000, entropy: [7; 16] })
}

fn shown(kind: &str, place: ContentPlace, preview: Preview) -> ContentView {
    let (artifact, build_key) = (Digest::of(b"payload"), Digest::of(b"inputs"));
    let shown = ShownContent { preview, kind: kind.parse().unwrap(), artifact, build_key, place };
    ContentView::of(ContentPreview { asset: asset(), revision: Revision(3), shown: Some(shown), lack: None })
}

#[test]
fn every_form_of_content_is_passed_on() {
    let peak = |min, max, rms| Peak { min, max, rms };
    let channel = |scale: i16| ChannelPeaks(vec![peak(-scale, scale, 5), peak(0, 1, 0)]);
    let forms = [
        shown(
            "image",
            ContentPlace::Pack,
            Preview::Image(Thumbnail {
                width: 1,
                height: 2,
                rgba: vec![255, 0, 0, 255, 0, 0, 255, 128],
                full_width: 50,
                full_height: 100,
            }),
        ),
        shown(
            "sound",
            ContentPlace::Store,
            Preview::Waveform(Waveform {
                sample_rate: 48_000,
                frames: 96_000,
                looping: Some((10, 20)),
                channels: vec![channel(100), channel(200)],
            }),
        ),
        shown(
            "text",
            ContentPlace::Pack,
            Preview::Text(TextHead { text: "Once".to_owned(), total_bytes: 4_000 }),
        ),
        shown(
            "data",
            ContentPlace::Pack,
            Preview::Table(TableHead {
                columns: vec!["name".to_owned(), "price".to_owned()],
                rows: vec![vec![Some("rope".to_owned()), None]],
                total_rows: 12,
                has_more_columns: true,
            }),
        ),
        shown("raw", ContentPlace::Store, Preview::Bytes(ByteHead { bytes: vec![0, 255], total_bytes: 9 })),
    ];
    insta::assert_json_snapshot!("forms", forms);
}

#[test]
fn every_lack_is_said_whatever_is_shown() {
    let broken = Diagnostic::new(
        DiagnosticCode::BakeDecode,
        Subject::Asset(asset()),
        "the picture ends in its middle".to_owned(),
    );
    let lacks = [
        ContentLack::NotBuilt,
        ContentLack::Failed { diagnostics: vec![broken] },
        ContentLack::Excluded,
        ContentLack::HeldBack { state: AssetState::Ready },
        ContentLack::HeldBack { state: AssetState::InputMissing },
        ContentLack::Unreadable { message: "its digest is another".to_owned() },
        ContentLack::TooLarge { bytes: 300 << 20 },
    ];
    let views = lacks.map(|lack| {
        let preview = ContentPreview { asset: asset(), revision: Revision(3), shown: None, lack: Some(lack) };
        let nothing = ContentView::of(preview.clone());
        assert_eq!(nothing.shown, None);
        // A former build's content is no less lacking.
        let former =
            shown("raw", ContentPlace::Pack, Preview::Bytes(ByteHead { bytes: vec![], total_bytes: 0 }));
        let lack = nothing.lack.clone();
        assert_eq!(ContentView { lack: lack.clone(), ..former }.lack, lack);
        nothing.lack
    });
    insta::assert_json_snapshot!("lacks", views);
}

#[test]
fn what_is_asked_for_is_asked_of_the_packer() {
    let query = ContentQuery { max_edge: 1, peaks: 2, head_bytes: 3, rows: 4, columns: 5 };
    let asked = PreviewRequest { max_edge: 1, peaks: 2, head_bytes: 3, rows: 4, columns: 5 };
    assert_eq!(query.request(), asked);
    assert_eq!(ContentQuery::default().request(), PreviewRequest::default());
}
