//! What a session can be asked for: the views.

use packer_runtime::api::{AssetSelector, AssetUuid, DiagnosticCode, Snapshot, suggest};
use packer_runtime::packs;
use serde::Serialize;

use super::{Contents, StudioSession};
use crate::asset::{AssetDetailView, AssetExplanationView, FileExplanationView, KindView};
use crate::error::{ErrorReason, ErrorView, read};
use crate::freshness::FreshnessBadge;
use crate::history::{HistoryView, RecoveryView};
use crate::packs::{PackReportView, PackRowView, UnpackView};
use crate::problems::{ProblemsView, SeverityView};
use crate::workspace::{NavigatorPage, NavigatorQuery, UnclaimedPage, UnclaimedQuery, WorkspaceView};

/// What a diagnostic code means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CodeView {
    /// The code: `area/finding`.
    pub code: String,
    /// How bad its findings usually are.
    pub severity: SeverityView,
    /// What it means, in one line without a final period.
    pub title: String,
    /// What it means in full, and what to do.
    pub explanation: String,
}

impl StudioSession {
    /// The workspace, with the rows of the navigator that are asked for. Never waits and never looks at the disk, and no more
    /// do the other views but where it is said.
    pub fn workspace(&self, query: &NavigatorQuery) -> Result<WorkspaceView, ErrorView> {
        WorkspaceView::of(&self.project.status(), query)
    }

    /// The rows of the navigator that are asked for.
    pub fn assets(&self, query: &NavigatorQuery) -> Result<NavigatorPage, ErrorView> {
        Ok(NavigatorPage::of(&self.project.status().snapshot.assets(&query.read()?)))
    }

    /// What is known of the shown snapshot against the disk.
    pub fn freshness(&self) -> FreshnessBadge {
        FreshnessBadge::of(&self.project.status().freshness)
    }

    /// Everything about one managed asset, called by its name, id, uuid, or the path of its anchor or of a source.
    pub fn asset(&self, asset: &str) -> Result<AssetDetailView, ErrorView> {
        let status = self.project.status();
        let uuid = selected(&status.snapshot, asset)?;
        AssetDetailView::of(&status, uuid).ok_or_else(|| is_gone(asset))
    }

    /// What the assets of the published snapshot look and sound like, from what was baked. What all of them need is looked up
    /// now: a build that ends later is not seen. Plans a build, and reads what the last one noted.
    pub fn contents(&self) -> Contents {
        Contents::of(&self.project)
    }

    /// What is wrong in the workspace, as the published snapshot has it.
    pub fn problems(&self) -> ProblemsView {
        ProblemsView::of(&self.project.status())
    }

    /// The files below the assets root that no anchor claims.
    pub fn unclaimed(&self, query: &UnclaimedQuery) -> UnclaimedPage {
        UnclaimedPage::of(&self.project.status(), query)
    }

    /// The kinds that can be baked, with what their settings accept.
    pub fn kinds(&self) -> Vec<KindView> {
        self.project.status().snapshot.kinds().map(KindView::of).collect()
    }

    /// Why a managed asset is as it is, and what the next build with this profile does with it. Looks at what the last build
    /// left, and plans a build.
    pub fn explain(&self, asset: &str, profile: Option<&str>) -> Result<AssetExplanationView, ErrorView> {
        let uuid = selected(&self.project.status().snapshot, asset)?;
        let explanation = self.project.explain(uuid, profile);
        let explanation = explanation.map_err(|error| ErrorView::of_explanation(&error))?;
        explanation.as_ref().map(AssetExplanationView::of).ok_or_else(|| is_gone(asset))
    }

    /// What a path below the assets root is that is no managed asset; none if nothing is there. Looks at the disk.
    pub fn explain_file(&self, path: &str) -> Result<Option<FileExplanationView>, ErrorView> {
        let explanation = self.project.explain_file(&read("path", path)?);
        let explanation = explanation.map_err(|error| ErrorView::of_explanation(&error))?;
        Ok(explanation.as_ref().map(FileExplanationView::of))
    }

    /// What a diagnostic code means.
    pub fn explain_code(code: &str) -> Result<CodeView, ErrorView> {
        code.parse().map(CodeView::of).map_err(|error| {
            let known = suggest(code, DiagnosticCode::ALL.iter().map(|code| code.as_str()));
            ErrorView::of_code(&error, known).about("code")
        })
    }

    /// What every diagnostic code means.
    pub fn codes() -> Vec<CodeView> {
        DiagnosticCode::ALL.iter().copied().map(CodeView::of).collect()
    }

    /// What was done in the project, the newest first; `limit` rows at the most. Reads the logs and the history.
    pub fn history(&self, limit: Option<u64>) -> Result<HistoryView, ErrorView> {
        let logged = self.project.log().map_err(|error| ErrorView::of_disk(&error))?;
        Ok(HistoryView::of(&logged, limit))
    }

    /// What waits to be recovered, and the ways that are open; none where nothing does. Reads the logs, and plans each way,
    /// if something does.
    pub fn recovery(&self) -> Result<Option<RecoveryView>, ErrorView> {
        RecoveryView::of(&self.project).map_err(|error| ErrorView::of_disk(&error))
    }

    /// Checks a pack from end to end, with the manifest beside it, and if asked against the workspace. `pack` is absolute, or
    /// relative to the project; none is the project's. Reads all of it.
    pub fn verify(&self, pack: Option<&str>, against_workspace: bool) -> Result<PackReportView, ErrorView> {
        let path = pack.map_or_else(|| self.project.pack_path(), |pack| self.project.root().join(pack));
        let report = if against_workspace {
            packs::verify_against(&path, &self.project)
        } else {
            packs::verify(&path)
        };
        report.map(|report| PackReportView::of(&report)).map_err(|error| ErrorView::of_pack(&error))
    }

    /// Checks a pack from end to end, with the manifest beside it. Needs no project. Reads all of it.
    pub fn verify_pack(path: &str) -> Result<PackReportView, ErrorView> {
        let report = packs::verify(path.as_ref());
        report.map(|report| PackReportView::of(&report)).map_err(|error| ErrorView::of_pack(&error))
    }

    /// What a pack holds. Needs no project. Reads it.
    pub fn list_pack(path: &str) -> Result<Vec<PackRowView>, ErrorView> {
        let rows = packs::list(path.as_ref()).map_err(|error| ErrorView::of_pack(&error))?;
        Ok(rows.iter().map(PackRowView::of).collect())
    }

    /// Writes the payloads of a pack as files into an empty folder. Needs no project.
    pub fn unpack_pack(path: &str, folder: &str) -> Result<UnpackView, ErrorView> {
        let report = packs::unpack(path.as_ref(), folder.as_ref());
        report.map(|report| UnpackView::of(&report)).map_err(|error| ErrorView::of_pack(&error))
    }

    /// What a pack holds. `pack` is absolute, or relative to the project; none is the project's. Reads it.
    pub fn pack(&self, pack: Option<&str>) -> Result<Vec<PackRowView>, ErrorView> {
        let path = pack.map_or_else(|| self.project.pack_path(), |pack| self.project.root().join(pack));
        let rows = packs::list(&path).map_err(|error| ErrorView::of_pack(&error))?;
        Ok(rows.iter().map(PackRowView::of).collect())
    }

    /// Writes the payloads of a pack as files into an empty folder. Both paths are absolute, or relative to the project;
    /// without a pack, it is the project's.
    pub fn unpack(&self, pack: Option<&str>, folder: &str) -> Result<UnpackView, ErrorView> {
        let root = self.project.root();
        let path = pack.map_or_else(|| self.project.pack_path(), |pack| root.join(pack));
        let report = packs::unpack(&path, &root.join(folder));
        report.map(|report| UnpackView::of(&report)).map_err(|error| ErrorView::of_pack(&error))
    }
}

impl CodeView {
    fn of(code: DiagnosticCode) -> Self {
        Self {
            code: code.as_str().to_owned(),
            severity: SeverityView::of(code.severity()),
            title: code.title().to_owned(),
            explanation: code.explanation().to_owned(),
        }
    }
}

pub(super) fn selected(snapshot: &Snapshot, asset: &str) -> Result<AssetUuid, ErrorView> {
    let selected = snapshot.select(&AssetSelector(asset.to_owned()));
    selected.map_err(|error| ErrorView::of_selection(&error).about("asset"))
}

/// It was selected from a snapshot, and the one that was asked does not have it.
pub(super) fn is_gone(asset: &str) -> ErrorView {
    ErrorView::new(ErrorReason::Unknown, format!("{asset} is gone meanwhile")).about("asset")
}
