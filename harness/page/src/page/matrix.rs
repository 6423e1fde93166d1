//! The compatibility matrix: for each scenario its units in rows, codecs and conditions in columns.

use std::collections::{BTreeSet, HashMap};

use rigtone_html::Markup;
use rigtone_model::plan::AxisValue;
use rigtone_report::figure::{count, estimate};

use super::{
    LARGE, Made,
    words::{ago, leading, shown},
};
use crate::digest::{Combined, Digest};

/// Bytes behind the rows of a table.
const END: usize = 200;
/// Large rows that are made to see whether they fit.
const MISFITS: usize = 100;

/// What a table of one scenario is made of.
struct Table<'a> {
    scenario: &'a str,
    /// The axes of the rows.
    axes: Vec<&'a str>,
    columns: Vec<String>,
    rows: Vec<Row<'a>>,
}

struct Row<'a> {
    values: Vec<&'a AxisValue>,
    /// Places among the combinations, one list for each column.
    cells: Vec<Vec<usize>>,
}

/// Axes in the order in which people read them.
fn order(axis: &str) -> (u8, &str) {
    let place = match axis {
        "source" => 0,
        "speaker" => 1,
        _ => 2,
    };
    (place, axis)
}

fn tables(digest: &Digest) -> Vec<Table<'_>> {
    let mut scenarios: Vec<&str> = Vec::new();
    let mut seen = BTreeSet::new();
    for combined in &digest.combinations {
        if seen.insert(&*combined.planned.scenario) {
            scenarios.push(&combined.planned.scenario);
        }
    }
    let mut by_scenario: HashMap<&str, Vec<(usize, &Combined)>> = HashMap::new();
    for (at, combined) in digest.combinations.iter().enumerate() {
        by_scenario.entry(&combined.planned.scenario).or_default().push((at, combined));
    }
    scenarios.into_iter().map(|s| table(s, by_scenario.get(s).map_or(&[], Vec::as_slice))).collect()
}

fn table<'a>(scenario: &'a str, combinations: &[(usize, &'a Combined)]) -> Table<'a> {
    let mut axes: Vec<&str> = combinations.iter().flat_map(|(_, c)| c.planned.axes.iter().map(|(a, _)| &**a)).collect();
    axes.sort_by_key(|axis| order(axis));
    axes.dedup();
    axes.retain(|axis| *axis != "codec");
    let mut columns: Vec<String> = Vec::new();
    let (mut places, mut rows): (HashMap<Vec<Option<&AxisValue>>, usize>, Vec<Row<'_>>) = (HashMap::new(), Vec::new());
    for (at, combined) in combinations {
        let planned = &combined.planned;
        let parts = planned.axis("codec").map(|v| format!("codec {}", v.text()));
        let condition = planned.condition.as_ref().map(|c| format!("with {c}"));
        let column = [parts, condition].into_iter().flatten().collect::<Vec<_>>().join(", ");
        let column = if column.is_empty() { "result".to_owned() } else { column };
        let column = match columns.iter().position(|known| *known == column) {
            Some(known) => known,
            None => {
                columns.push(column);
                columns.len() - 1
            }
        };
        let key: Vec<Option<&AxisValue>> = axes.iter().map(|axis| planned.axis(axis)).collect();
        let row = *places.entry(key.clone()).or_insert_with(|| {
            rows.push(Row { values: key.into_iter().map(|v| v.unwrap_or(none())).collect(), cells: Vec::new() });
            rows.len() - 1
        });
        let cells = &mut rows[row].cells;
        if cells.len() <= column {
            cells.resize_with(column + 1, Vec::new);
        }
        cells[column].push(*at);
    }
    Table { scenario, axes, columns, rows }
}

/// What stands where a combination has no value on an axis.
fn none() -> &'static AxisValue {
    static NONE: std::sync::OnceLock<AxisValue> = std::sync::OnceLock::new();
    NONE.get_or_init(|| AxisValue::Value("–".into()))
}

/// The matrix, and how many combinations found no room in it.
pub(crate) fn matrix(made: &Made<'_>, most_bytes: usize) -> (Markup, usize) {
    let mut m = Markup::new();
    let mut left_out = 0;
    let tables = tables(made.digest);
    // What passed gives way first, where there is not room for all.
    let roomy = made.digest.combinations.len() * 420 < most_bytes;
    for table in &tables {
        left_out += one(&mut m, made, table, roomy, most_bytes);
    }
    (m, left_out)
}

fn one(m: &mut Markup, made: &Made<'_>, table: &Table<'_>, roomy: bool, most_bytes: usize) -> usize {
    let combinations = &made.digest.combinations;
    let of_row = |row: &Row<'_>| row.cells.iter().map(Vec::len).sum::<usize>();
    let fits = |used: usize, piece: &Markup| used + piece.len() + END < most_bytes;
    let head = head(made, table);
    if !fits(m.len(), &head) {
        return table.rows.iter().map(of_row).sum();
    }
    m.piece(&head);
    let (mut left_out, mut misfits, mut full) = (0, 0, false);
    for row in &table.rows {
        let ranks = row.cells.iter().flatten().map(|at| shown(verdict(&combinations[*at])).rank);
        let matters = ranks.min().is_some_and(|rank| rank < 4);
        if !full && (roomy || matters || m.len() <= most_bytes / 2) {
            let piece = line(made, table, row);
            if fits(m.len(), &piece) {
                m.piece(&piece);
                continue;
            }
            misfits += 1;
            full = piece.len() < LARGE || misfits == MISFITS;
        }
        left_out += of_row(row);
    }
    m.ours("</tbody></table></div>");
    if left_out > 0 {
        let text = format!("{} more: the page is full.", count(left_out, "combination"));
        m.leaf("p", &[("class", "small")], &text);
    }
    m.close("section");
    left_out
}

/// The beginning of a table.
fn head(made: &Made<'_>, table: &Table<'_>) -> Markup {
    let mut m = Markup::new();
    let title = made.digest.plan.as_ref().and_then(|p| p.plan.scenario(table.scenario)).map(|s| s.title.as_str());
    m.open("section", &[("class", "scenario"), ("data-scenario", table.scenario)]);
    m.open("h3", &[]).leaf("code", &[], table.scenario);
    if let Some(title) = title {
        m.text(": ").text(title);
    }
    m.close("h3");
    let label = format!("Compatibility matrix of {}", table.scenario);
    m.open("div", &[("class", "scroll"), ("tabindex", "0"), ("role", "group"), ("aria-label", &label)]);
    m.open("table", &[("class", "matrix")]).leaf("caption", &[("class", "hidden")], &label).ours("<thead><tr>");
    for axis in &table.axes {
        m.leaf("th", &[("scope", "col"), ("data-sort", "text")], axis);
    }
    for column in &table.columns {
        m.leaf("th", &[("scope", "col"), ("data-sort", "rank")], column);
    }
    m.ours("</tr></thead><tbody>");
    m
}

/// A row of a table.
fn line(made: &Made<'_>, table: &Table<'_>, row: &Row<'_>) -> Markup {
    let mut m = Markup::new();
    m.open("tr", &[]);
    for (axis, value) in table.axes.iter().zip(&row.values) {
        m.open("th", &[("scope", "row"), ("data-column", axis)]).leaf("span", &[("class", "name")], value.text());
        if let AxisValue::Unit { device, firmware, .. } = value {
            m.leaf("span", &[("class", "small")], &format!(" {device}, firmware {firmware}"));
        }
        m.close("th");
    }
    for (column, name) in table.columns.iter().enumerate() {
        let of = row.cells.get(column).map_or(&[][..], Vec::as_slice);
        match of {
            [] => _ = m.leaf("td", &[("class", "cell none")], "not planned"),
            all => cells(&mut m, made, name, all),
        }
    }
    m.close("tr");
    m
}

fn verdict(combined: &Combined) -> Option<&rigtone_model::verdict::Verdict> {
    combined.verdict.as_ref().map(|v| &v.verdict)
}

/// The cell of a row and a column: one combination, or several that differ in nothing that is shown.
fn cells(m: &mut Markup, made: &Made<'_>, column: &str, all: &[usize]) {
    let combinations = &made.digest.combinations;
    let worst = all.iter().map(|at| shown(verdict(&combinations[*at]))).min_by_key(|s| s.rank);
    let Some(worst) = worst else { return };
    let rank = worst.rank.to_string();
    let words: Vec<&str> = all.iter().map(|at| shown(verdict(&combinations[*at])).word).collect();
    let class = format!("cell {}", worst.class);
    m.open(
        "td",
        &[("class", &class), ("data-column", column), ("data-verdict", &words.join(",")), ("data-rank", &rank)],
    );
    for at in all {
        cell(m, made, *at, &combinations[*at]);
    }
    m.close("td");
}

fn cell(m: &mut Markup, made: &Made<'_>, at: usize, combined: &Combined) {
    let shown = shown(verdict(combined));
    let target = format!("#c{at}");
    if made.has_details(at) {
        m.open("a", &[("href", &target), ("aria-label", &format!("{}: {}", shown.word, combined.planned.title()))]);
    }
    shown.write(m);
    if made.has_details(at) {
        m.close("a");
    }
    let Some(verdict) = &combined.verdict else {
        m.leaf("span", &[("class", "n")], &count(combined.told.tally.results(), "trial"));
        return;
    };
    if verdict.quarantined.is_some() {
        m.leaf("span", &[("class", "quarantine")], "in quarantine");
    }
    if let rigtone_model::verdict::Verdict::Skipped(reason) = &verdict.verdict {
        m.leaf("span", &[("class", "why")], reason);
    }
    if let Some(leading) = leading(verdict) {
        let seen = estimate(leading).unwrap_or_else(|| rigtone_report::sanitise::short(&leading.seen, 60));
        m.open("span", &[("class", "estimate")]);
        if let Some(kind) = made.kind(combined, leading.index) {
            m.leaf("span", &[("class", "kind")], &kind).text(" ");
        }
        m.text(&seen).close("span");
        let lost = if verdict.lost > 0 { format!(", {} lost", verdict.lost) } else { String::new() };
        m.leaf("span", &[("class", "n")], &format!("n = {}{lost}", leading.n));
    } else if let Some(fault) = verdict.faults.last() {
        m.leaf("span", &[("class", "why")], fault);
    }
    if let Some(last) = made.last(combined) {
        m.open("span", &[("class", "age")]);
        ago(m, made.now, last);
        m.text(" old").close("span");
    }
}
