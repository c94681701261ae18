//! What is said while a workspace is watched: each transition of the freshness, as a person likes to read it.

use packer_events::record::{FreshnessCause, FreshnessRecord};
use packer_runtime::api::{AssetPath, WorkspaceSummary};

use super::status::{dirty, unknown};
use super::{Detail, count};
use crate::ui::{Paint, plain};

/// That watching has begun.
pub(crate) fn watching(name: &str, summary: &WorkspaceSummary, paint: Paint) -> String {
    let assets = super::things(summary.assets.managed, "asset", "assets");
    format!("watching {}, {assets}; Ctrl-C ends it\n", paint.strong(&plain(name)))
}

/// A transition of the freshness; a line, and one for each path that it names. Nothing where it is not worth one.
pub(crate) fn transition(
    from: &FreshnessRecord,
    to: &FreshnessRecord,
    cause: FreshnessCause,
    paths: &[AssetPath],
    detail: Detail,
    paint: Paint,
) -> String {
    let mut text = match to {
        FreshnessRecord::Verified { watched: true, .. } if cause == FreshnessCause::LookedAt => {
            "as before after all\n".to_owned()
        }
        FreshnessRecord::Verified { watched: true, .. } => "up to date\n".to_owned(),
        // Somebody wanted it to end, or it begins anew for another assets root at once.
        FreshnessRecord::Verified { watched: false, .. } if cause == FreshnessCause::WatchLost => {
            String::new()
        }
        FreshnessRecord::Verified { watched: false, .. } => {
            format!("{}: what changes now is not noticed\n", paint.warning("not watched"))
        }
        FreshnessRecord::Dirty { paths, registry, configuration } => {
            let what = dirty(*paths, *registry, *configuration);
            let before = matches!(from, FreshnessRecord::Dirty { .. });
            let verb = if before { "changed by now" } else { "changed" };
            format!("{}: {what}\n", paint.warning(verb))
        }
        FreshnessRecord::Unknown { cause } => {
            format!("{}: {}\n", paint.warning("anything may differ"), unknown(*cause))
        }
        FreshnessRecord::RecoveryRequired { operation_id } => {
            let what = paint.error("recovery required");
            format!(
                "{what}: operation {operation_id} stopped amid its commit; nothing is done by itself before\n"
            )
        }
    };
    let same = cause == FreshnessCause::LookedAt;
    for path in &paths[..detail.shown(paths.len())] {
        let sign = if same { "as before" } else { "differs" };
        super::push!(text, "  {sign}: {}\n", plain(path.as_str()));
    }
    let rest = paths.len() - detail.shown(paths.len());
    if rest > 0 {
        super::push!(text, "  … and {} more\n", count(rest as u64));
    }
    text
}

#[cfg(test)]
mod tests {
    use packer_events::record::UnknownCause;

    use super::*;
    use crate::render::testing::{asset_path, operation_id, summary, time};

    #[test]
    fn every_transition_has_its_words() {
        let verified = |watched| FreshnessRecord::Verified { at: time(), watched };
        let dirty = |paths, registry| FreshnessRecord::Dirty { paths, registry, configuration: registry };
        let two = ["ui/a.png", "ui/b.png"].map(asset_path);
        let many: Vec<AssetPath> = (0..25).map(|n| asset_path(&format!("{n:02}.png"))).collect();
        let unknown = |cause| FreshnessRecord::Unknown { cause };
        let required = FreshnessRecord::RecoveryRequired { operation_id: operation_id() };
        let transitions: [(FreshnessRecord, FreshnessRecord, FreshnessCause, &[AssetPath]); 11] = [
            (verified(true), dirty(2, false), FreshnessCause::PathsChanged, &two),
            (dirty(2, false), dirty(27, true), FreshnessCause::PathsChanged, &many),
            (dirty(2, false), dirty(1, false), FreshnessCause::LookedAt, &two[..1]),
            (dirty(1, false), verified(true), FreshnessCause::LookedAt, &two[1..]),
            (dirty(2, false), verified(true), FreshnessCause::Observed, &[]),
            (verified(true), dirty(0, true), FreshnessCause::PathsChanged, &[]),
            (verified(true), unknown(UnknownCause::ChangedOutside), FreshnessCause::ChangedOutside, &[]),
            (verified(true), unknown(UnknownCause::WatchLost), FreshnessCause::WatchLost, &[]),
            (unknown(UnknownCause::WatchLost), verified(false), FreshnessCause::Observed, &[]),
            (verified(true), required, FreshnessCause::Frozen, &[]),
            (verified(true), verified(false), FreshnessCause::WatchLost, &[]),
        ];
        let lines: String = transitions
            .iter()
            .map(|(from, to, cause, paths)| transition(from, to, *cause, paths, Detail::Short, Paint::PLAIN))
            .collect();
        insta::assert_snapshot!(format!("{}{lines}", watching("harbour", &summary(), Paint::PLAIN)));
    }
}
