//! `packer reconcile`: resolves divergences. Where only a person can choose, it asks on a terminal; elsewhere the
//! packer's plan is blocked and says what to give.

use camino::Utf8Path;
use packer_runtime::api::{
    AssetName, AssetPath, AssetSelector, Divergence, DivergenceCode, Mutation, Reconcile, Resolution,
    ResolutionNeed, SelectError, Selector, Snapshot, Target, draw,
};

use super::mutate::{carry_out, decide};
use crate::args::{ApplyArgs, ReconcileArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::project::Opened;
use crate::render;
use crate::ui::{Answer, Ui, plain};

pub(super) fn run(args: &ReconcileArgs, opened: &Opened, ui: &mut Ui) -> Result<Exit, Failure> {
    let status = opened.project.status();
    let snapshot = &status.snapshot;
    let reconcile = Reconcile {
        select: selectors(&args.select, opened, snapshot)?,
        resolution: parse::<Resolution>(args.resolution.as_deref())?,
        path: args.path.as_deref().map(|path| concerned_path(path, opened, snapshot)).transpose()?,
        name: parse::<AssetName>(args.name.as_deref())?,
        draw: draw(),
    };
    let is_chosen = args.resolution.is_some() || args.path.is_some() || args.name.is_some();
    let mutation = Mutation::Reconcile(reconcile);
    if !args.apply.asks() || is_chosen || !ui.is_interactive() {
        return carry_out(mutation, &args.apply, opened, ui);
    }
    let plan = opened.project.preview(&mutation)?;
    let open: Vec<Divergence> = opened.project.undecided(&mutation)?;
    if open.is_empty() {
        return decide(plan, &args.apply, opened, ui);
    }
    for divergence in &open {
        let exit = ask_and_resolve(divergence, &args.apply, opened, ui)?;
        if exit != Exit::Done {
            return Ok(exit);
        }
    }
    if !(plan.registry_mutations.is_empty() && plan.filesystem_mutations.is_empty()) {
        ui.note("`packer reconcile` once more goes on with the rest");
    }
    Ok(Exit::Done)
}

fn parse<T: std::str::FromStr<Err: std::error::Error + 'static>>(
    text: Option<&str>,
) -> Result<Option<T>, Failure> {
    text.map(|text| text.parse().map_err(|error: T::Err| Failure::of(Exit::Usage, &error))).transpose()
}

/// What texts select; nothing, which means everything, where one of them is the assets root.
fn selectors(texts: &[String], opened: &Opened, snapshot: &Snapshot) -> Result<Vec<Selector>, Failure> {
    let is_root = |text: &String| matches!(opened.target(Utf8Path::new(text)), Ok(Target::Root));
    if texts.iter().any(is_root) {
        return Ok(Vec::new());
    }
    texts.iter().map(|text| selector(text, opened, snapshot)).collect()
}

/// What a text selects: a code, an asset, or a path.
fn selector(text: &str, opened: &Opened, snapshot: &Snapshot) -> Result<Selector, Failure> {
    if let Ok(code) = text.parse::<DivergenceCode>() {
        return Ok(Selector::Code(code));
    }
    match snapshot.select(&AssetSelector(text.to_owned())) {
        Ok(uuid) => return Ok(Selector::Asset(uuid)),
        // Several assets of one name are a divergence, and it is meant.
        Err(SelectError::Ambiguous { .. }) => {
            if let Ok(name) = AssetName::parse(text) {
                return Ok(Selector::Name(name));
            }
        }
        Err(SelectError::Unknown { .. }) => {}
    }
    concerned_path(Utf8Path::new(text), opened, snapshot).map(Selector::Path)
}

/// The asset path that a typed one means: the first reading that some divergence concerns, else simply the first.
fn concerned_path(typed: &Utf8Path, opened: &Opened, snapshot: &Snapshot) -> Result<AssetPath, Failure> {
    let readings = opened.candidates(typed.as_str());
    let concerned = readings.iter().find(|path| snapshot.divergences().iter().any(|d| concerns(d, path)));
    concerned.or(readings.first()).cloned().ok_or_else(|| {
        Failure::usage(format!("{typed} is no divergence code, no asset and no path below the assets root"))
            .hint("`packer status` lists every divergence, and what selects it")
    })
}

/// Whether a divergence has to do with a path, its folder, or the source beside it. For telling readings of a typed path
/// apart; what is selected is the packer's to say.
fn concerns(divergence: &Divergence, path: &AssetPath) -> bool {
    divergence.paths.iter().any(|concerned| {
        concerned == path
            || concerned.strip_folder(path.as_str()).is_some()
            || concerned.as_str().strip_prefix(path.as_str()).is_some_and(|rest| rest == ".asset.toml")
    })
}

/// Asks what is to be done about one divergence, and does it.
fn ask_and_resolve(
    divergence: &Divergence,
    apply: &ApplyArgs,
    opened: &Opened,
    ui: &mut Ui,
) -> Result<Exit, Failure> {
    let status = opened.project.status();
    let snapshot = &status.snapshot;
    let declined = |ui: &mut Ui| {
        ui.note("nothing was changed");
        Ok(Exit::Refused)
    };
    let heading = ui.paint_err().strong(&format!("{}: {}", divergence.code, plain(&divergence.message)));
    let titles: Vec<String> = divergence
        .resolutions
        .iter()
        .map(|offer| format!("{} ({})", plain(&offer.title), offer.resolution))
        .collect();
    let chosen = match titles.len() {
        0 => return declined(ui),
        1 => {
            ui.error(&format!("{heading}\n  {}", titles[0]));
            0
        }
        _ => match ui.choose(&heading, &titles) {
            Answer::Given(chosen) => chosen,
            Answer::Declined => return declined(ui),
        },
    };
    let offer = &divergence.resolutions[chosen];
    let (mut path, mut name) = (None, None);
    for need in &offer.needs {
        match need {
            ResolutionNeed::Path => {
                let paths: Vec<String> = divergence.paths.iter().map(|path| plain(path.as_str())).collect();
                match ui.choose("which of these?", &paths) {
                    Answer::Given(chosen) => path = Some(divergence.paths[chosen].clone()),
                    Answer::Declined => return declined(ui),
                }
            }
            ResolutionNeed::Name => match ui.ask("its new name: ") {
                Answer::Given(text) => name = parse::<AssetName>(Some(&text))?,
                Answer::Declined => return declined(ui),
            },
        }
    }
    let is_alone = snapshot.summary().divergences.get(&divergence.code) == Some(&1);
    let select = render::selector(divergence, is_alone);
    let resolution = Some(offer.resolution);
    let reconcile = Reconcile { select: vec![select], resolution, path, name, draw: draw() };
    carry_out(Mutation::Reconcile(reconcile), apply, opened, ui)
}
