//! The arguments of `packer`: commands, flags and their help. What they do is in `commands`.

use camino::Utf8PathBuf;
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use packer_runtime::api::{ConstantsLanguages, SettingValue, SourceId};

#[cfg(test)]
mod tests;

/// Builds the assets of a game into one verified, mappable pack.
#[derive(Debug, Parser)]
#[command(name = "packer", version, max_term_width = 100, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    /// What all commands take.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: CommandArgs,
}

const AFTER_HELP: &str = "\
Exit codes: 0 done, 1 errors in the workspace or a failed operation, 2 usage, 3 refused,
4 lane unavailable, 5 recovery required, 70 a bug, 130 cancelled.";

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct GlobalArgs {
    /// The project's folder [default: the nearest one upwards with a `packer.toml`]
    #[arg(long, global = true, value_name = "DIR", value_parser = typed_path)]
    pub project: Option<Utf8PathBuf>,
    /// Text for people, or one JSON object a line
    #[arg(long, global = true, value_enum, default_value_t = Format::Human)]
    pub format: Format,
    /// Say only what was asked for, and errors
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// List everything in full, and write developers' logs to standard error; twice: the finest of them, too
    #[arg(long, short, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// When to colour; `NO_COLOR` is honoured
    #[arg(long, global = true, value_enum, default_value_t = ColorChoice::Auto, value_name = "WHEN")]
    pub color: ColorChoice,
    /// Give up (exit code 4) where another process holds the lane, instead of waiting for it
    #[arg(long, global = true)]
    pub no_wait: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Human,
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CommandArgs {
    /// Make a new project
    New(NewArgs),
    /// Make assets of raw files: write their anchors and register them
    Adopt(AdoptArgs),
    /// Say how the workspace stands, and what to do about what diverges
    Status,
    /// List the assets
    List(ListArgs),
    /// Tell everything about one asset
    Show(ShowArgs),
    /// List every diagnostic; exit code 1 if one is an error
    Check,
    /// Explain a diagnostic code, an asset or a file, or list all codes
    Explain(ExplainArgs),
    /// Move assets: their anchors and their inputs
    Mv(MvArgs),
    /// Give an asset another name, and rewrite every reference to it
    Rename(RenameArgs),
    /// Set or clear keys of an asset's anchor
    Set(SetArgs),
    /// Include assets in builds
    Include(AssetsArgs),
    /// Exclude assets from builds
    Exclude(AssetsArgs),
    /// Take assets out of the project; their files are kept in the history
    Rm(RmArgs),
    /// Copy an asset as an asset of its own
    Dup(DupArgs),
    /// Resolve divergences between the registry and the disk
    Reconcile(ReconcileArgs),
    /// Settle an operation that was interrupted in the middle of its commit
    Recover(RecoverArgs),
    /// Take back what an operation did
    Undo(UndoArgs),
    /// List what was done, the newest first, and whether it can be undone
    Log(LogArgs),
    /// Apply a plan from a file, if it would still do what it says
    Apply(PlanArgs),
    /// Build the pack
    Build(BuildArgs),
    /// Observe the workspace anew and say what changed
    Refresh,
    /// Say what changes in the workspace as it does, and refresh, until Ctrl-C
    Watch(WatchArgs),
    /// Check a pack from end to end
    Verify(VerifyArgs),
    /// Write the payloads of a pack as files
    Unpack(UnpackArgs),
    /// Drop artifacts over the store's limit, what dead builds left, and what was kept for undoing for long enough
    Gc(GcArgs),
    /// Print the recorded events of the project
    Events(EventsArgs),
}

#[derive(Debug, Args)]
pub(crate) struct NewArgs {
    /// The folder of the project; it is made if it is not there
    #[arg(value_name = "DIR", value_parser = typed_path)]
    pub dir: Utf8PathBuf,
    /// The project's name [default: the folder's]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
}

/// How far a mutation goes.
#[derive(Clone, Debug, Args)]
pub(crate) struct ApplyArgs {
    /// Apply without asking, planned anew under the lock
    #[arg(long, short, conflicts_with = "dry_run")]
    pub yes: bool,
    /// Show what would be done, and stop
    #[arg(long)]
    pub dry_run: bool,
    /// Write the plan to a file for `packer apply`, and stop; nothing is written over
    #[arg(long, value_name = "FILE", value_parser = typed_path, conflicts_with = "yes")]
    pub plan_out: Option<Utf8PathBuf>,
    /// Write the plan over a file that is there
    #[arg(long, requires = "plan_out")]
    pub overwrite: bool,
}

impl ApplyArgs {
    /// Whether somebody is asked.
    pub(crate) fn asks(&self) -> bool {
        !self.yes && !self.dry_run && self.plan_out.is_none()
    }
}

#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// A file that `--plan-out` wrote, or `-` for standard input
    #[arg(value_name = "PLAN.json", value_parser = typed_path)]
    pub plan: Utf8PathBuf,
    /// Apply without asking
    #[arg(long, short, conflicts_with = "dry_run")]
    pub yes: bool,
    /// Show what would be done, and stop
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct AdoptArgs {
    /// Files, and folders with everything below them
    #[arg(value_name = "PATH", required = true, value_parser = typed_path)]
    pub paths: Vec<Utf8PathBuf>,
    /// The kind for all of them, over every rule (`raw` takes any file)
    #[arg(long, value_name = "KIND")]
    pub kind: Option<String>,
    /// How far to go.
    #[command(flatten)]
    pub apply: ApplyArgs,
}

#[derive(Debug, Args)]
pub(crate) struct MvArgs {
    /// Names, ids, uuids, or paths of anchors or sources; all of them move, or none
    #[arg(value_name = "ASSET", required = true)]
    pub assets: Vec<String>,
    /// Where the source goes, or the folder of a directory asset. A folder that is there, or a path that ends in `/`, means
    /// into it; of several assets it is always a folder
    #[arg(value_name = "PATH", required = true, value_parser = typed_path)]
    pub path: Utf8PathBuf,
    /// How far to go.
    #[command(flatten)]
    pub apply: ApplyArgs,
}

#[derive(Debug, Args)]
pub(crate) struct SetArgs {
    /// A name, an id, a uuid, or the path of an anchor or a source
    #[arg(value_name = "ASSET")]
    pub asset: String,
    /// Keys and their values, as in TOML; what is no TOML value is a text. `packer explain ASSET` lists the keys
    #[arg(value_name = "KEY=VALUE", required_unless_present = "clear", value_parser = parse_assignment)]
    pub set: Vec<(String, SettingValue)>,
    /// A key that is no longer said, so that the rules and defaults decide; can be given several times
    #[arg(long, value_name = "KEY")]
    pub clear: Vec<String>,
    /// How far to go.
    #[command(flatten)]
    pub apply: ApplyArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RmArgs {
    /// Names, ids, uuids, or paths of anchors or sources
    #[arg(value_name = "ASSET", required = true)]
    pub assets: Vec<String>,
    /// Leave the sources where they are, as files that no anchor claims
    #[arg(long)]
    pub keep_inputs: bool,
    /// How far to go.
    #[command(flatten)]
    pub apply: ApplyArgs,
}

#[derive(Debug, Args)]
pub(crate) struct DupArgs {
    /// A name, an id, a uuid, or the path of an anchor or a source
    #[arg(value_name = "ASSET")]
    pub asset: String,
    /// Where the copy goes, as for `packer mv`
    #[arg(value_name = "PATH", value_parser = typed_path)]
    pub path: Utf8PathBuf,
    /// The copy's name [default: from where it goes]
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
    /// How far to go.
    #[command(flatten)]
    pub apply: ApplyArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RenameArgs {
    /// A name, an id, a uuid, or the path of an anchor or a source
    #[arg(value_name = "ASSET")]
    pub asset: String,
    /// Its new name
    #[arg(value_name = "NAME")]
    pub name: String,
    /// How far to go.
    #[command(flatten)]
    pub apply: ApplyArgs,
}

/// Assets to change.
#[derive(Debug, Args)]
pub(crate) struct AssetsArgs {
    /// Names, ids, uuids, or paths of anchors or sources
    #[arg(value_name = "ASSET", required = true)]
    pub assets: Vec<String>,
    /// How far to go.
    #[command(flatten)]
    pub apply: ApplyArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Only assets of this kind
    #[arg(long, value_name = "KIND")]
    pub kind: Option<String>,
    /// What a pack holds, with sizes and digests [default: the project's pack]
    #[arg(long, value_name = "PACK", num_args = 0..=1, value_parser = typed_path)]
    #[expect(clippy::option_option, reason = "a flag whose value may be left away has three states")]
    pub pack: Option<Option<Utf8PathBuf>>,
    /// Only assets that a diagnostic or divergence with this code concerns
    #[arg(long, value_name = "CODE", conflicts_with = "pack")]
    pub code: Option<String>,
    /// In which order
    #[arg(long, value_enum, value_name = "ORDER", default_value_t = SortBy::Anchor, conflicts_with = "pack")]
    pub sort: SortBy,
    /// From the last to the first
    #[arg(long, conflicts_with = "pack")]
    pub descending: bool,
    /// Only assets with this text in the name or the anchor's path
    #[arg(value_name = "TEXT")]
    pub text: Option<String>,
    /// The files below the assets root that no anchor claims, instead of the assets
    #[arg(long, conflicts_with_all = ["kind", "pack", "code", "sort", "descending"])]
    pub unclaimed: bool,
}

/// The order of a list of assets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SortBy {
    /// By the path of the anchor
    Anchor,
    Name,
    Id,
    Kind,
    /// What can be built first
    State,
}

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// A name, an id, a uuid, or the path of an anchor or a source
    #[arg(value_name = "ASSET")]
    pub asset: String,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// A code such as `anchor/moved`, an asset as `packer show` takes it, or a path; all codes are listed without one
    #[arg(value_name = "CODE|ASSET|PATH")]
    pub what: Option<String>,
    /// The build profile of packer.toml that the next build is to have
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ReconcileArgs {
    /// Codes, assets and paths whose divergences are meant; all divergences without one
    #[arg(value_name = "CODE|ASSET|PATH")]
    pub select: Vec<String>,
    /// Which resolution, where several are possible
    #[arg(long = "as", value_name = "RESOLUTION")]
    pub resolution: Option<String>,
    /// Which of the paths concerned, for resolutions that are for one
    #[arg(long, value_name = "PATH", value_parser = typed_path)]
    pub path: Option<Utf8PathBuf>,
    /// The name, for resolutions that need one
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// How far to go.
    #[command(flatten)]
    pub apply: ApplyArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RecoverArgs {
    /// Keep what somebody else saved meanwhile; the rest becomes as it was before the operation
    #[arg(long, conflicts_with = "finish_ours")]
    pub keep_theirs: bool,
    /// Carry the operation out, over what somebody else saved meanwhile, which goes to the history
    #[arg(long)]
    pub finish_ours: bool,
    /// How far to go.
    #[command(flatten)]
    pub apply: ApplyArgs,
}

#[derive(Debug, Args)]
pub(crate) struct UndoArgs {
    /// The operation's id, or as much of its beginning or end as tells it apart [default: the last one that changed
    /// something, is not undone yet, and is no undoing itself]
    #[arg(value_name = "OPERATION")]
    pub operation: Option<String>,
    /// How far to go.
    #[command(flatten)]
    pub apply: ApplyArgs,
}

#[derive(Debug, Args)]
pub(crate) struct LogArgs {
    /// How many operations to list [default: 20, or all as JSON and with --verbose]
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own, and any of them go together")]
pub(crate) struct BuildArgs {
    /// The build profile of packer.toml
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// The output folder, instead of the project's
    #[arg(long, value_name = "DIR", value_parser = typed_path)]
    pub output: Option<Utf8PathBuf>,
    /// The languages of the constants beside the pack: rs, ts, h and cs, with commas between them, or none
    /// [default: as packer.toml says]
    #[arg(long, value_name = "LANGUAGES")]
    pub constants: Option<ConstantsLanguages>,
    /// How many threads read files, and how many bake [default: 16 or more, and one a processor]
    #[arg(long, short, value_name = "N", value_parser = parse_jobs)]
    pub jobs: Option<usize>,
    /// Take nothing over from former builds: bake everything
    #[arg(long)]
    pub no_store: bool,
    /// Build what can be built; the rest stands in the pack as absent, and the exit code is 1
    #[arg(long)]
    pub keep_going: bool,
    /// Build a second time from nothing, with another number of threads, and compare
    #[arg(long)]
    pub prove: bool,
    /// Say of each asset that is not taken over from the last pack why not
    #[arg(long)]
    pub explain: bool,
}

#[derive(Debug, Args)]
pub(crate) struct WatchArgs {
    /// Build at once, and whenever something has changed
    #[arg(long)]
    pub build: bool,
    /// The build profile of packer.toml
    #[arg(long, value_name = "NAME", requires = "build")]
    pub profile: Option<String>,
    /// How many threads read files, and how many bake [default: 16 or more, and one a processor]
    #[arg(long, short, value_name = "N", value_parser = parse_jobs)]
    pub jobs: Option<usize>,
}

#[derive(Debug, Args)]
pub(crate) struct GcArgs {
    /// Say what would be dropped, and drop nothing
    #[arg(long)]
    pub dry_run: bool,
    /// What the artifact store is to keep at the most, such as 500M or 2G [default: as packer.toml says]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub store_limit: Option<u64>,
    /// For how many days what can be undone is kept [default: 90]
    #[arg(long, value_name = "DAYS")]
    pub history_days: Option<u32>,
    /// How much of it is kept at the most, such as 500M or 2G; the oldest goes first [default: 1G]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub history_limit: Option<u64>,
    /// Check every artifact in the store, and drop those that are damaged
    #[arg(long)]
    pub scrub: bool,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// The pack [default: the project's]
    #[arg(value_name = "PACK", value_parser = typed_path)]
    pub pack: Option<Utf8PathBuf>,
    /// Compare it also with the workspace: what a build would now make otherwise, add or leave out
    #[arg(long)]
    pub workspace: bool,
}

#[derive(Debug, Args)]
pub(crate) struct UnpackArgs {
    /// The pack
    #[arg(value_name = "PACK", value_parser = typed_path)]
    pub pack: Utf8PathBuf,
    /// The folder to write to
    #[arg(value_name = "DIR", value_parser = typed_path)]
    pub dir: Utf8PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct EventsArgs {
    /// Go on with the events of every process as they come, until Ctrl-C
    #[arg(long, short)]
    pub follow: bool,
    /// Only the events of one source, those after a position: what comes after an event that is known
    #[arg(long, value_name = "SOURCE:POSITION", value_parser = parse_place)]
    pub after: Option<(SourceId, u64)>,
}

/// A place in the order of a source, as its events say it.
fn parse_place(text: &str) -> Result<(SourceId, u64), String> {
    let place = text
        .split_once(':')
        .and_then(|(source, position)| Some((source.parse().ok()?, position.parse().ok()?)));
    place.ok_or_else(|| {
        "expected the `source` and the `position` of an event, with a colon between".to_owned()
    })
}

fn parse_jobs(text: &str) -> Result<usize, String> {
    // A typing error must not start a hundred thousand threads.
    match text.parse() {
        Ok(jobs @ 1..=1024) => Ok(jobs),
        Ok(_) | Err(_) => Err("expected a number from 1 to 1024".to_owned()),
    }
}

/// A size in bytes, or with K, M, G or T, which count in 1024.
fn parse_size(text: &str) -> Result<u64, String> {
    let expected = || "expected a number of bytes, or one with K, M, G or T after it".to_owned();
    let digits = text.trim_end_matches(['K', 'M', 'G', 'T', 'k', 'm', 'g', 't']);
    let power = match text[digits.len()..].to_ascii_uppercase().as_str() {
        "" => 0,
        "K" => 1,
        "M" => 2,
        "G" => 3,
        "T" => 4,
        _ => return Err(expected()),
    };
    let number: u64 = digits.parse().map_err(|_| expected())?;
    number.checked_mul(1024_u64.pow(power)).ok_or_else(expected)
}

/// `KEY=VALUE`. Which keys there are and what they accept is the packer's to say.
fn parse_assignment(text: &str) -> Result<(String, SettingValue), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => {
            Ok((key.trim().to_owned(), SettingValue::of_typed(value)))
        }
        Some(_) | None => Err("expected KEY=VALUE".to_owned()),
    }
}

/// A path as it was typed. An empty one, such as a script's variable without a value leaves, would mean the working folder.
fn typed_path(text: &str) -> Result<Utf8PathBuf, String> {
    if text.is_empty() { Err("expected a path".to_owned()) } else { Ok(Utf8PathBuf::from(text)) }
}
