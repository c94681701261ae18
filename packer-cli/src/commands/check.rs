//! `packer check`: every diagnostic, with the command that resolves it where there is one; then the figures.

use packer_events::record::DiagnosticRecord;
use packer_runtime::api::Freshness;

use crate::exit::Exit;
use crate::project::Opened;
use crate::render::{self, Advice, StatusJson};
use crate::ui::Ui;

pub(super) fn run(opened: &Opened, ui: &mut Ui) -> Exit {
    let status = opened.project.status();
    let snapshot = &status.snapshot;
    let summary = snapshot.summary();
    let exit = exit_of(summary.diagnostics.error, &status.freshness);
    if ui.is_json() {
        for diagnostic in snapshot.diagnostics() {
            ui.json(diagnostic);
            if ui.is_closed() {
                break;
            }
        }
        ui.json(&StatusJson::new(summary, &status.freshness));
        return exit;
    }
    let paint = ui.paint_out();
    let advice = Advice::of_snapshot(snapshot, opened.project_flag());
    for diagnostic in snapshot.diagnostics() {
        let record = DiagnosticRecord::from(diagnostic);
        let text = render::diagnostic(&record, &advice.of(&record), paint);
        ui.out(&format!("{text}\n"));
        if ui.is_closed() {
            return exit;
        }
    }
    let text = render::status(snapshot.project_name(), summary, &status.freshness, paint);
    ui.out(&text);
    exit
}

/// A workspace whose commit is half done is not clean, whatever can be read of it.
fn exit_of(errors: u64, freshness: &Freshness) -> Exit {
    match freshness {
        _ if errors > 0 => Exit::Failed,
        Freshness::RecoveryRequired { .. } => Exit::RecoveryRequired,
        Freshness::Verified { .. } | Freshness::Dirty { .. } | Freshness::Unknown { .. } => Exit::Done,
    }
}

#[cfg(test)]
mod tests {
    use packer_events::record::UnknownCause;

    use super::*;

    #[test]
    fn errors_first_then_recovery() {
        let frozen = Freshness::RecoveryRequired {
            operation_id: "0192f0c1-7e7c-7b7a-8a44-0d3d7c1f9a10".parse().unwrap(),
        };
        let unknown = Freshness::Unknown { cause: UnknownCause::Overflow };
        assert_eq!(exit_of(1, &frozen), Exit::Failed);
        assert_eq!(exit_of(0, &frozen), Exit::RecoveryRequired);
        assert_eq!(exit_of(1, &unknown), Exit::Failed);
        assert_eq!(exit_of(0, &unknown), Exit::Done);
    }
}
