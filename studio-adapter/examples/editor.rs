//! A complete editor for a terminal, on the Studio adapter alone: it can be read as a tutorial, from the top. To try it:
//! `cargo run -p studio-adapter --example editor -- examples/harbour`.
//!
//! An [`Editor`] holds what is on the screen: assets, files that are none yet, problems, and what goes on. The packer fills it
//! once, and from then on each [`Update`] patches the part that it is about. Keys make an [`Intent`], whose preview has to be
//! agreed to. Whether it can be, what is wrong and how bad that is, and how an operation ended is never decided here. It
//! touches no file and has one thread: each turn of its loop draws, takes a key, and takes what is new.
#![expect(clippy::disallowed_methods, reason = "the adapter asks nobody for arguments; a program does")]

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::process::ExitCode;
use std::time::Duration;

use ratatui::crossterm::event::{self, KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Constraint::{Fill, Length, Percentage};
use ratatui::layout::{Layout, Rect};
use ratatui::style::{Color, Modifier, Stylize};
use ratatui::text::Line;
use ratatui::widgets::{Block, List, ListState, Paragraph, Wrap};
use ratatui::{DefaultTerminal, Frame};
use studio_adapter::{
    AssetDetailView, AssetStateView, BuildIntent, DiagnosticRow, DivergenceRow, ErrorView, FreshnessState,
    Intent, NavigatorQuery, NavigatorRow, NextUpdate, OpenErrorView, OperationView, OutcomeView, PreviewView,
    ProblemsView, ProgressView, RevisionView, RowKey, RunningOperation, SessionOptions, SeverityView,
    StudioSession, SummaryView, Ticket, UnclaimedQuery, Update, Updates, VerdictView, WorkspaceView,
};

/// How long a turn waits for a key, and so for how long news can wait.
const TURN: Duration = Duration::from_millis(50);
/// How many operations the activity keeps, and how many findings of each.
const KEPT: usize = 50;
type Lines<'a> = &'a mut dyn Iterator<Item = Line<'static>>;
const KEYS: &str = "↑↓ Tab · a/A adopt · r rename · u undo · b build · c cancel · F5 refresh · q quit";

#[expect(clippy::print_stderr, reason = "it is a program, and this is its last line")]
fn main() -> ExitCode {
    let root = std::env::args_os().nth(1).and_then(|root| root.into_string().ok());
    let ran = root.ok_or_else(|| "usage: editor PROJECT".to_owned()).and_then(|root| edit(&root));
    let Err(message) = ran else { return ExitCode::SUCCESS };
    eprintln!("{message}");
    ExitCode::FAILURE
}

fn edit(root: &str) -> Result<(), String> {
    // The project comes before the terminal, so that why it does not open is an ordinary line.
    let editor = Editor::open(root).map_err(|error| {
        let found = error.diagnostics.iter().map(|row| format!("\n{}: {}", row.code, row.message));
        format!("{error}{}", found.collect::<String>())
    })?;
    // It gives the terminal back where anything panics, too.
    let ran = ratatui::try_init().and_then(|mut terminal| editor.run(&mut terminal));
    ratatui::restore();
    ran.map_err(|error| error.to_string())
}

/// What is on the screen, and the session behind it.
struct Editor {
    session: StudioSession,
    updates: Updates,
    /// Operations that were begun here and go on, the newest last.
    running: Vec<RunningOperation>,
    workspace: WorkspaceView,
    navigator: Navigator,
    problems: ProblemsView,
    /// Operations, the newest first, each with what it found.
    activity: Vec<(OperationView, Vec<DiagnosticRow>)>,
    /// What is known of what is selected; none where that is to be asked for, as another is selected or something differs.
    details: Option<Vec<Line<'static>>>,
    mode: Mode,
    pane: Pane,
    /// By how many lines the text that has the focus is scrolled. Where that ends is known when it is drawn.
    scroll: u16,
    status: Line<'static>,
    quit: bool,
}

/// What keys are for.
enum Mode {
    Browsing,
    /// A name is typed for the asset with this label and key.
    Naming(String, RowKey, String),
    /// What a preview says is shown. The ticket is what it takes to have just that done.
    Deciding(VerdictView, Vec<Line<'static>>, Box<Ticket>),
}

/// Where arrows go.
#[derive(Clone, Copy, PartialEq)]
enum Pane {
    Assets,
    Problems,
    Activity,
}

/// The rows by key, and the order in which they are shown. A revision patches both, at the cost of what differs.
#[derive(Default)]
struct Navigator {
    rows: BTreeMap<RowKey, NavigatorRow>,
    order: BTreeSet<Entry>,
    selected: Option<Entry>,
}

/// One line of the navigator: assets by what they are called, then the files that no anchor claims.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Entry {
    Asset { label: String, key: RowKey },
    File { path: String },
}

impl Entry {
    fn of(row: &NavigatorRow) -> Self {
        Self::Asset { label: row.label.clone(), key: row.key.clone() }
    }
}

impl Navigator {
    fn put(&mut self, row: NavigatorRow) {
        let entry = Entry::of(&row);
        if let Some(before) = self.rows.insert(row.key.clone(), row).map(|row| Entry::of(&row)) {
            self.order.remove(&before);
            // It is the same asset, whatever it is called now.
            self.selected = self.selected.take().map(|one| if one == before { entry.clone() } else { one });
        }
        self.order.insert(entry);
    }

    fn follow(&mut self, revision: RevisionView) {
        let files = revision.unclaimed_removed.into_iter().map(|path| Entry::File { path });
        let rows = revision.removed.iter().filter_map(|key| self.rows.remove(key));
        for gone in rows.map(|row| Entry::of(&row)).chain(files) {
            self.order.remove(&gone);
        }
        revision.changed.into_iter().chain(revision.added).for_each(|row| self.put(row));
        self.order.extend(revision.unclaimed_added.into_iter().map(|path| Entry::File { path }));
        // Where what was selected is gone, the next one is, or the last.
        let next = self.selected.take().and_then(|selected| self.order.range(selected..).next());
        self.selected = next.or(self.order.last()).cloned();
    }

    fn step(&mut self, down: bool) {
        let Some(selected) = &self.selected else { return };
        let (mut after, mut before) = (self.order.range(selected..), self.order.range(..selected));
        let next = if down { after.nth(1) } else { before.next_back() };
        self.selected = next.or(Some(selected)).cloned();
    }
}

// What happens.
impl Editor {
    fn open(root: &str) -> Result<Self, OpenErrorView> {
        let (session, updates) = StudioSession::open_and_follow(root, &SessionOptions::default())?;
        // Updates lead on from what was there at the opening. What a view has beyond that is told once more.
        let all = NavigatorQuery { limit: u64::MAX, ..NavigatorQuery::default() };
        let mut workspace = session.workspace(&all).expect("nothing in the question has to be read");
        let files = session.unclaimed(&UnclaimedQuery { limit: u64::MAX, ..UnclaimedQuery::default() });
        let mut navigator = Navigator::default();
        workspace.navigator.rows.drain(..).for_each(|row| navigator.put(row));
        navigator.order.extend(files.rows.into_iter().map(|file| Entry::File { path: file.path }));
        navigator.selected = navigator.order.first().cloned();
        Ok(Self {
            updates,
            running: Vec::new(),
            workspace,
            navigator,
            problems: session.problems(),
            activity: Vec::new(),
            details: None,
            mode: Mode::Browsing,
            pane: Pane::Assets,
            scroll: 0,
            status: Line::default(),
            quit: false,
            session,
        })
    }

    fn run(mut self, terminal: &mut DefaultTerminal) -> io::Result<()> {
        while !self.quit {
            terminal.draw(|frame| self.draw(frame))?;
            let event = event::poll(TURN)?.then(event::read).transpose()?;
            if let Some(key) = event.and_then(|event| event.as_key_press_event()) {
                self.press(key);
            }
            self.catch_up();
        }
        Ok(())
    }

    /// Takes what is new since the last turn.
    fn catch_up(&mut self) {
        // So many at the most, so that keys are heard however much happens.
        for _ in 0..1000 {
            let NextUpdate::Update(update) = self.updates.next(Duration::ZERO) else { break };
            self.take(update);
        }
        // Ends come as updates. Only that nobody can be told of one does not.
        let lost = self.running.iter().find_map(|operation| operation.outcome()?.err());
        self.running.retain(|operation| operation.outcome().is_none());
        if let Some(error) = lost {
            self.say(&error);
        }
    }

    fn take(&mut self, update: Update) {
        match update {
            Update::Operation(row) => self.take_operation(*row),
            Update::Progress(told) => {
                if let Some((row, _)) = self.operation(&told.operation_id) {
                    row.advance(told.progress);
                }
            }
            Update::Finding(found) => {
                if let Some((_, findings)) = self.operation(&found.operation_id) {
                    findings.push(found.finding);
                    findings.truncate(KEPT);
                }
            }
            Update::Revision(revision) => {
                self.details = None;
                self.workspace.summary.clone_from(&revision.summary);
                self.navigator.follow(*revision);
            }
            // It says which came and went. Where they stand among the others is the packer's to say.
            Update::Problems(_) => (self.problems, self.details) = (self.session.problems(), None),
            Update::Freshness(badge) => self.workspace.freshness = badge,
        }
    }

    /// An operation begins, or goes on. Nothing but its outcome says that it ended.
    fn take_operation(&mut self, row: OperationView) {
        if let Some(outcome) = &row.outcome {
            let color = if outcome.succeeded() { Color::Green } else { Color::Red };
            self.status = Line::from(format!("{}: {}", outcome.title(), outcome.message())).fg(color);
        }
        match self.operation(&row.operation_id) {
            Some(known) => known.0 = row,
            None => self.activity.insert(0, (row, Vec::new())),
        }
        self.activity.truncate(KEPT);
    }

    fn operation(&mut self, id: &str) -> Option<&mut (OperationView, Vec<DiagnosticRow>)> {
        self.activity.iter_mut().find(|(row, _)| row.operation_id == id)
    }

    fn say(&mut self, error: &ErrorView) {
        let meant = error.suggestion.iter().map(|suggestion| format!(" (did you mean {suggestion}?)"));
        self.status = Line::from(format!("{error}{}", meant.collect::<String>())).red();
    }
}

// What somebody wants.
impl Editor {
    fn press(&mut self, key: KeyEvent) {
        match (&mut self.mode, key.code) {
            (_, KeyCode::Char('c')) if key.modifiers.contains(KeyModifiers::CONTROL) => self.quit = true,
            (Mode::Naming(_, _, name), KeyCode::Char(letter)) => name.push(letter),
            (Mode::Naming(_, _, name), KeyCode::Backspace) => drop(name.pop()),
            (Mode::Naming(_, key, name), KeyCode::Enter) => {
                let intent = Intent::Rename { asset: key.text().to_owned(), name: name.clone() };
                self.preview(&intent);
            }
            (Mode::Deciding(VerdictView::Ready, ..), KeyCode::Enter) => self.apply(),
            (Mode::Naming(..) | Mode::Deciding(..), KeyCode::Esc) => self.turn_to(Mode::Browsing),
            (Mode::Browsing | Mode::Deciding(..), KeyCode::Down | KeyCode::Char('j')) => self.step(1),
            (Mode::Browsing | Mode::Deciding(..), KeyCode::Up | KeyCode::Char('k')) => self.step(-1),
            (Mode::Browsing, code) => self.browse(code),
            (Mode::Naming(..) | Mode::Deciding(..), _) => {}
        }
    }

    fn browse(&mut self, code: KeyCode) {
        let adopt = |path| Intent::Adopt { paths: vec![path], kind: None };
        match (code, self.navigator.selected.clone()) {
            (KeyCode::Tab, _) => {
                self.pane = [Pane::Problems, Pane::Activity, Pane::Assets][self.pane as usize];
                self.scroll = 0;
            }
            (KeyCode::Char('a'), Some(Entry::File { path })) => self.preview(&adopt(path)),
            (KeyCode::Char('A'), _) => self.preview(&adopt(".".to_owned())),
            (KeyCode::Char('r'), Some(Entry::Asset { label, key })) => {
                self.turn_to(Mode::Naming(label.clone(), key, label));
            }
            (KeyCode::Char('u'), _) => self.preview(&Intent::Undo { operation: None }),
            (KeyCode::Char('b'), _) => match self.session.build(&BuildIntent::default()) {
                Ok(build) => self.running.push(build),
                Err(error) => self.say(&error),
            },
            (KeyCode::F(5), _) => self.running.push(self.session.refresh()),
            (KeyCode::Char('c'), _) => self.running.last().into_iter().for_each(RunningOperation::cancel),
            (KeyCode::Char('q'), _) => self.quit = true,
            _ => {}
        }
    }

    fn step(&mut self, by: i16) {
        self.details = None;
        match (&self.mode, self.pane) {
            (Mode::Browsing, Pane::Assets) => self.navigator.step(by > 0),
            _ => self.scroll = self.scroll.saturating_add_signed(by),
        }
    }

    /// Shows what an intent would do. It reads the files that matter; where that can take long, ask from another thread.
    fn preview(&mut self, intent: &Intent) {
        match self.session.preview(intent) {
            Ok((preview, ticket)) => {
                self.turn_to(Mode::Deciding(preview.verdict, preview_lines(&preview), Box::new(ticket)));
            }
            Err(error) => self.say(&error),
        }
    }

    /// Has done what is shown, which the packer said can be. The ticket is used up by that.
    fn apply(&mut self) {
        if let Mode::Deciding(_, _, ticket) = std::mem::replace(&mut self.mode, Mode::Browsing) {
            self.running.push(self.session.apply(*ticket));
        }
        self.turn_to(Mode::Browsing);
    }

    fn turn_to(&mut self, mode: Mode) {
        self.mode = mode;
        self.scroll = 0;
        self.status = Line::default();
    }
}

// What is seen. All of it is made of the views.
impl Editor {
    fn draw(&mut self, frame: &mut Frame<'_>) {
        let rows = [Length(1), Fill(1), Length(2), Length(1)];
        let [head, middle, status, help] = Layout::vertical(rows).areas(frame.area());
        let [left, right] = Layout::horizontal([Percentage(40), Percentage(60)]).areas(middle);
        self.draw_head(frame, head);
        self.draw_navigator(frame, left);
        let shown = self.details.take().unwrap_or_else(|| self.detail_lines());
        let focus = |pane| (self.pane == pane).then_some(self.scroll);
        self.scroll = if let Mode::Deciding(_, preview, _) = &self.mode {
            draw_text(frame, right, Some(self.scroll), " Preview ", &mut preview.iter().cloned())
        } else {
            let of = |pane| if self.pane == pane { Fill(1) } else { Length(6) };
            let panes = [Pane::Assets, Pane::Problems, Pane::Activity];
            let [details, problems, activity] = Layout::vertical(panes.map(of)).areas(right);
            draw_text(frame, details, None, " Details ", &mut shown.iter().cloned());
            let ProblemsView { divergences, diagnostics, totals, .. } = &self.problems;
            let title = format!(" Problems: {} ", totals.headline);
            let lines = diagnostics.iter().flat_map(diagnostic_lines);
            let mut lines = lines.chain(divergences.iter().flat_map(way_lines));
            let scroll = draw_text(frame, problems, focus(Pane::Problems), &title, &mut lines);
            let mut lines = self.activity.iter().flat_map(operation_lines);
            draw_text(frame, activity, focus(Pane::Activity), " Activity ", &mut lines).max(scroll)
        };
        self.details = Some(shown);
        frame.render_widget(Paragraph::new(self.status.clone()).wrap(Wrap { trim: false }), status);
        let keys = match &self.mode {
            Mode::Browsing => KEYS.to_owned(),
            Mode::Naming(old, _, name) => format!("New name of {old}: {name}▏ · Enter preview · Esc discard"),
            Mode::Deciding(VerdictView::Ready, ..) => "↑↓ scroll · Enter apply · Esc discard".to_owned(),
            Mode::Deciding(..) => "↑↓ scroll · Esc discard".to_owned(),
        };
        frame.render_widget(Line::from(keys), help);
    }

    fn draw_head(&self, frame: &mut Frame<'_>, area: Rect) {
        let WorkspaceView { project, summary, freshness, .. } = &self.workspace;
        frame.render_widget(Line::from(format!("{project}  {}", summary.headline)), area);
        let mut badge = format!("● {}", freshness.label);
        badge.extend(freshness.paths.first().map(|path| format!(" ({path})")));
        let color = if freshness.state == FreshnessState::Verified { Color::Green } else { Color::Yellow };
        frame.render_widget(Line::from(badge).fg(color).right_aligned(), area);
    }

    fn draw_navigator(&self, frame: &mut Frame<'_>, area: Rect) {
        let Navigator { rows, order, selected } = &self.navigator;
        // However many there are, only what fits is looked at.
        let height = usize::from(area.height);
        let above: Vec<_> = selected.iter().flat_map(|one| order.range(..one).rev().take(height)).collect();
        let below = selected.iter().flat_map(|one| order.range(one..).take(height));
        let lines = above.iter().rev().copied().chain(below).map(|entry| match entry {
            Entry::Asset { key, .. } => rows.get(key).map(row_line).unwrap_or_default(),
            Entry::File { path } => Line::from(path.as_str()).dim(),
        });
        let SummaryView { managed, unregistered, unclaimed, .. } = &self.workspace.summary;
        let title = format!(" {managed} managed, {unregistered} unregistered ");
        let block =
            framed(&title, self.pane == Pane::Assets).title_bottom(format!(" {unclaimed} unclaimed "));
        let list = List::new(lines).highlight_symbol("▸ ").highlight_style(Modifier::REVERSED).block(block);
        frame.render_stateful_widget(list, area, &mut ListState::default().with_selected(Some(above.len())));
    }

    fn detail_lines(&self) -> Vec<Line<'static>> {
        match &self.navigator.selected {
            Some(Entry::Asset { key: RowKey::Asset(uuid), .. }) => match self.session.asset(uuid) {
                Ok(asset) => asset_lines(&asset),
                Err(error) => vec![error.message.into()],
            },
            // The registry does not know it: there is no more of it than its row, and the problems that name it.
            Some(Entry::Asset { key: key @ RowKey::Anchor(path), .. }) => {
                let file = format!("{}/{path}", self.workspace.assets_root);
                let found = self.problems.diagnostics.iter().filter(|one| one.file.as_ref() == Some(&file));
                let ways = self.problems.divergences.iter().filter(|one| one.paths.contains(path));
                let problems = found.flat_map(diagnostic_lines).chain(ways.flat_map(way_lines));
                self.navigator.rows.get(key).map(row_line).into_iter().chain(problems).collect()
            }
            Some(Entry::File { path }) => vec![format!("No anchor claims {path}").into()],
            None => Vec::new(),
        }
    }
}

/// A text in a frame, where it has the focus scrolled as far as it goes. Of a long one, only what can be seen is made.
fn draw_text(frame: &mut Frame<'_>, area: Rect, focus: Option<u16>, title: &str, lines: Lines<'_>) -> u16 {
    let (block, scroll) = (framed(title, focus.is_some()), focus.unwrap_or(0));
    let inner = block.inner(area);
    let seen = usize::from(scroll) + usize::from(inner.height);
    let text = Paragraph::new(lines.take(seen).collect::<Vec<_>>()).wrap(Wrap { trim: false });
    let end = text.line_count(inner.width).saturating_sub(usize::from(inner.height));
    let scroll = scroll.min(u16::try_from(end).unwrap_or(scroll));
    frame.render_widget(text.scroll((scroll, 0)).block(block), area);
    scroll
}

fn framed(title: &str, focus: bool) -> Block<'_> {
    Block::bordered().title(title).border_style(if focus { Color::Cyan } else { Color::DarkGray })
}

fn row_line(row: &NavigatorRow) -> Line<'static> {
    let color = if row.state == AssetStateView::Ready { Color::Green } else { Color::Yellow };
    let kind = format!("  {}  ", row.kind.as_deref().unwrap_or("-"));
    Line::from(vec![row.label.clone().into(), kind.dim(), row.state_label.clone().fg(color)])
}

fn asset_lines(asset: &AssetDetailView) -> Vec<Line<'static>> {
    let mut lines = vec![row_line(&asset.row), format!("anchor  {}", asset.row.anchor).into()];
    lines.extend(asset.row.uuid.iter().map(|uuid| format!("uuid  {uuid}").into()));
    lines.extend(asset.inputs.iter().map(|one| format!("input  {}, {} bytes", one.path, one.size).into()));
    lines.extend(asset.references.iter().map(|one| format!("{}  names {}", one.key, one.name).into()));
    lines.extend(asset.referred_by.iter().map(|one| format!("named by  {}", one.label).into()));
    let set = asset.settings.iter();
    lines.extend(set.map(|one| format!("{} = {}  ({})", one.key, one.text, one.origin_label).into()));
    lines.extend(asset.diagnostics.iter().flat_map(diagnostic_lines));
    lines.extend(asset.divergences.iter().flat_map(way_lines));
    lines
}

fn diagnostic_lines(row: &DiagnosticRow) -> Vec<Line<'static>> {
    let mark = match row.severity {
        SeverityView::Error => "E ".red(),
        SeverityView::Warning => "W ".yellow(),
        SeverityView::Info => "I ".blue(),
    };
    let place = row.place().map(|place| format!(" {place}")).unwrap_or_default();
    let mut lines = vec![Line::from(vec![mark, format!("{}{place}: {}", row.code, row.message).into()])];
    lines.extend(row.help.iter().map(|help| Line::from(format!("  {help}")).dim()));
    lines
}

/// What can be done about a divergence. What it is stands among the findings, as every divergence does.
fn way_lines(row: &DivergenceRow) -> impl Iterator<Item = Line<'static>> {
    let of = format!("≠ {} {}", row.code, row.paths.first().map_or("", String::as_str));
    row.resolutions.iter().map(move |way| format!("{of}: {} ({})", way.title, way.name).into())
}

fn preview_lines(preview: &PreviewView) -> Vec<Line<'static>> {
    let mut lines = vec![Line::from(preview.label.clone()).bold()];
    lines.extend(preview.blockers.iter().chain(&preview.warnings).flat_map(diagnostic_lines));
    for asset in &preview.affected {
        lines.push(format!("{}: {}", asset.change_label, asset.name.as_ref().unwrap_or(&asset.uuid)).into());
    }
    for row in &preview.registry {
        let line = row.after.as_ref().or(row.before.as_ref());
        lines.push(format!("{}: {}", row.label, line.map_or("", |line| &line.text)).into());
    }
    for file in &preview.files {
        let from = file.from.as_ref().map(|from| format!("{from} → ")).unwrap_or_default();
        lines.push(format!("{}: {from}{}", file.label, file.path).into());
        let text = file.diff.iter().chain(&file.contents).flat_map(|text| text.lines());
        lines.extend(text.map(|line| Line::from(format!("  {line}")).dim()));
    }
    lines
}

fn operation_lines((row, findings): &(OperationView, Vec<DiagnosticRow>)) -> Vec<Line<'static>> {
    let mut lines = vec![Line::from(format!("{}: {}", row.title, row.state_label)).bold()];
    lines.extend(row.waits_for.iter().map(|what| format!("  {what}").into()));
    lines.extend(row.outcome.iter().map(|outcome| format!("  {}", outcome.message()).into()));
    lines.extend(row.progress.iter().rev().map(|part| format!("  {}", progress_text(part)).into()));
    lines.extend(row.outcome.iter().flat_map(OutcomeView::details).map(|one| format!("  {one}").into()));
    lines.extend(findings.iter().flat_map(diagnostic_lines));
    lines
}

/// A bar that is full is no end: an operation ends by its outcome.
fn progress_text(part: &ProgressView) -> String {
    let cell = |at: u8| part.fraction.map(|done| if done * 10.0 >= f64::from(at) { '█' } else { '░' });
    let bar: String = (1..=10).filter_map(cell).collect();
    format!("{bar} {} {}", part.label, part.text).trim_start().to_owned()
}
