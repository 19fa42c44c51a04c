"""What the measurements hold and what a model may see of them: sentences for 01 and Figure 3."""

import re
from collections.abc import Mapping, Sequence

from rsslib.data.splits import EXACT, NEAR_M, PUBLISHED, SEASONS, report_set
from rsslib.ledger import claims
from rsslib.ledger.wording import listed
from rsslib.reports.findings import Answer, Text, data_line
from rsslib.reports.style import LOOKS, Told
from rsslib.reports.tables import name

COUNTS = {"samples": "samples", "locations": "locations", "sensors_min": "fewest receivers",
          "sensors_max": "most receivers"}
"""What Table I counts: field of a record -> words."""
Printed = Mapping[str, Mapping[tuple, float]]
"""Field of a record of Table I -> (data,) -> printed number."""


def printed_counts(source: str) -> dict[str, dict[tuple, float]]:
    """Return what the paper prints in Table I, which calls all its counts "locations": nothing beside other data.

    >>> printed_counts("frs")["locations"]["April",], printed_counts("mine")
    (811.0, {})
    """
    if source != "frs":
        return {}
    said = {field: claims.printed("table1", field, "data") for field in COUNTS}
    return said | {"samples": {}, "locations": said["locations"] | said["samples"]}


def duration(seconds: float) -> str:
    """Return a time in words: seconds, minutes, hours or days.

    >>> duration(4.2), duration(150), duration(86400 * 133)
    ('4 s', '2 min', '133 days')
    """
    for unit, size in (("days", 172_800), ("h", 7200), ("min", 120)):
        if seconds >= size:
            return f"{seconds / {'days': 86400, 'h': 3600, 'min': 60}[unit]:.0f} {unit}"
    return f"{seconds:.0f} s"


def plane(crs: str) -> str:
    """Return a coordinate reference system in words.

    >>> plane("EPSG:32612"), plane("EPSG:25832")
    ('UTM zone 12N', 'EPSG:25832')
    """
    zone = re.fullmatch(r"EPSG:32([67])(\d\d)", crs)
    return f"UTM zone {int(zone[2])}{'N' if zone[1] == '6' else 'S'}" if zone else crs


def source_line(title: str, synthetic: bool, source: str = "") -> Text:
    """Return the line that says which data a run of 01 made and, where they are made up, how to get the real ones.

    Data without a title are called after their file, `source`.
    """
    title = title or source.replace("\\", "/").rsplit("/", 1)[-1]
    if not synthetic:
        return data_line(title, synthetic)
    return Text(f'Data: {title}. **They are synthetic.** For the real ones set `source = "frs"` above.')


def answer(table1: Sequence[Mapping], near: Sequence[Mapping], receivers: int) -> Answer:
    """Return what was measured and which parts a model may see.

    Input: records of Table I and of `separations.nearness`; how many receivers there are.
    """
    total = table1[0]
    word = f"{total['samples']} samples at {total['locations']} locations, {_heard(total, receivers)}"
    return Answer(word, " ".join(filter(None, [_sets(near), _nearest(near)])))


def beside_paper(table1: Sequence[Mapping], printed: Printed) -> Text:
    """Return how the counts of Table I agree with ours.

    Input: records of Table I; what `printed_counts` returns. A printed number of which we have no count is left out.
    """
    text = " ".join(filter(None, [_counts(table1, printed), _receivers(table1, printed)]))
    return Text(text or "These are not the paper's measurements, so its Table I is not shown.")


def _heard(total: Mapping, receivers: int) -> str:
    low, high = total["sensors_min"], total["sensors_max"]
    if low == high == receivers:
        return f"each heard by all {receivers} receivers"
    return f"each heard by {low if low == high else f'{low} to {high}'} of {receivers} receivers"


def _sets(near: Sequence[Mapping]) -> str:
    parts = [f"{name(record['split'])} {record['train_n']}, {record['val_n']} and {record['n']}" for record in near]
    return f"Samples for training, early stopping and testing: {'; '.join(parts)}." if near else ""


def _nearest(near: Sequence[Mapping]) -> str:
    if not near:
        return ""
    parts = [f"{duration(record['gap_s'])} and {record['distance_m']:.0f} m on {name(record['split'])}"
             for record in near]
    text = ("From a test sample to the nearest training sample in time, and to the nearest training location, it is in "
            f"the median {listed(parts)}.")
    random = [record for record in near if record["split"] == "random"]
    if random:
        text += (" Copying the location of the training sample that is nearest in time uses no radio; on Random its "
                 f"median error is {random[0]['last_place_m']:.0f} m.")
    return text


def _counts(table1: Sequence[Mapping], printed: Printed) -> str:
    """Return which of our two counts, of samples or of locations, each printed "location" count agrees with."""
    rows, said = {record["data"]: record for record in table1}, printed.get("locations", {})
    shown = {data: int(number) for (data,), number in said.items() if data in rows}
    if not shown:
        return ""
    ours = {data: {field: rows[data][field] for field in ("samples", "locations")} for data in shown}
    parts = [f"{data} {number} ({_agrees(number, ours[data])})" for data, number in shown.items()]
    whole, *seasons = rows
    text = f"Table I prints numbers of \"locations\": {'; '.join(parts)}."
    if seasons and set(shown) == set(rows) and shown[whole] == sum(shown[season] for season in seasons):
        text += f" Its {shown[whole]} is the sum of its {listed([str(shown[season]) for season in seasons])}."
    rules = [field for field in ("samples", "locations") if all(ours[data][field] == shown[data] for data in shown)]
    count = {4: "four", 3: "three", 2: "two"}.get(len(shown), str(len(shown)))
    end = f"Counted as {listed(rules)}, all agree." if rules else f"No one way of counting gives all {count} numbers."
    return f"{text} {end}"


def _agrees(number: int, ours: Mapping[str, int]) -> str:
    found = [field for field, value in ours.items() if value == number]
    if found:
        return f"our number of {listed(found)}"
    counted = listed([f"{value} {field}" for field, value in ours.items()])
    return f"neither of ours: {counted}"


def _receivers(table1: Sequence[Mapping], printed: Printed) -> str:
    """Return which printed numbers of receivers our count does not meet; a number without a record is not compared."""
    compared = [(f"{COUNTS[field]}, {record['data']}: {record[field]}", record[field], printed[field][record["data"],])
                for field in ("sensors_min", "sensors_max") if field in printed for record in table1
                if (record["data"],) in printed[field]]
    wrong = [f"{text} (printed {said:g})" for text, ours, said in compared if ours != said]
    if not compared:
        return ""
    end = f"{len(wrong)} differ from ours: {'; '.join(wrong)}." if wrong else "all agree with ours."
    return f"Of its {len(compared)} numbers of receivers, {end}" if wrong else f"Its numbers of receivers {end}"


def separations(near: Sequence[Mapping]) -> Told:
    """Return what Figure 3 says, from those records of `separations.nearness` whose split is drawn."""
    ends = sorted(near, key=lambda record: record["distance_m"])
    spread = " to ".join(f"{record['distance_m']:.0f} m ({name(record['split'])})"
                         for record in [*ends[:1], *ends[1:][-1:]])
    rows = [f"{name(record['split'])}: {record['train_n']} train, {record['val_n']} validation, {record['n']} "
            f"{tested_on(record['split'])}, {record['left_out_n']} in no set; {record['distance_m']:.0f} m"
            for record in near]
    return Told(f"How the samples are split: the median test sample is {spread} from training",
                "A map of the transmitters' locations for each data separation, coloured by set. Number of samples in "
                "each set, and median distance from a test sample to the nearest training location: "
                f"{'; '.join(rows)}. " + " ".join(_kinds(near)))


def tested_on(split: str) -> str:
    """Return what a split's test set is called.

    >>> tested_on("random"), tested_on("july"), tested_on("grid2")
    ('test', 'OOD test (November)', 'OOD test')
    """
    tested = report_set(split)
    return "test" if tested == "test" else LOOKS["ood"].label + (f" ({LOOKS[tested].label})" * (tested != "ood"))


def _kinds(near: Sequence[Mapping]) -> list[str]:
    """Return a sentence for each kind of split that is among some records."""
    drawn = [record["split"] for record in near]
    seasons, grids = ([split for split in drawn if split in SEASONS],
                      [split for split in drawn if report_set(split) == "ood"])
    return [text for text, said in (
        ("In Random the sets are drawn from all locations alike.", "random" in drawn),
        (f"In {listed(list(map(name, seasons)))} training and test samples are of different seasons.", seasons),
        (f"In {listed(list(map(name, grids)))} the out-of-distribution (OOD) test samples fill whole cells, shaded, "
         "without any training sample.", grids), (empty_cells(near), True)) if said and text]


def empty_cells(near: Sequence[Mapping]) -> str:
    """Return how many unseen cells of each gridN hold no sample, "" if none is empty.

    >>> empty_cells([{"split": "grid5", "unseen_cells_n": 5, "empty_cells_n": 1}])
    'Of the 5 unseen cells of Grid5, 1 holds no sample.'
    """
    return " ".join(f"Of the {record['unseen_cells_n']} unseen cells of {name(record['split'])}, "
                    f"{record['empty_cells_n']} hold{'s' if record['empty_cells_n'] == 1 else ''} no sample."
                    for record in near if record.get("empty_cells_n"))


def left_out(near: Sequence[Mapping], impossible: Mapping[str, str] | None = None) -> Text:
    """Return why the sets of a split do not hold all samples, and which splits these data do not allow.

    Input: records of `separations.nearness`; split -> why it cannot be made, as `separations.possible` returns it.
    """
    left = [record for record in near if record["left_out_n"]]
    published, seasons = ([record for record in left if record["split"] in names] for names in (PUBLISHED, SEASONS))
    grids, texts = [record for record in left if record not in (*published, *seasons)], []
    if grids:
        texts.append(f"In no set: {_outside(grids)}. A fifth of the locations, drawn at random, is held out before the "
                     "map is cut. In seen cells these are the validation samples; in unseen cells they are not used, "
                     "and the other four fifths there are the test samples.")
    if seasons:
        texts.append(f"In no set: {_outside(seasons)}. Of each season a fifth of the locations is held out. Training "
                     "and validation samples come from the other four fifths of one season; test samples are the "
                     "held-out fifth of the other. Third seasons are not used here.")
    if published:
        texts.append(f"In no set: {_outside(published)}. They share a location with a test sample: each sample of "
                     f"a location is within {NEAR_M} m of another one.")
    texts += [empty_cells(near)] + [f"Not with these data: {name(split)} ({why})."
                                    for split, why in (impossible or {}).items()]
    return Text("\n\n".join(filter(None, texts)))


def near_pairs(near: Mapping[str, tuple[int, int]], source: str) -> Text:
    """Return how many samples have another nearby, and how many test samples of Random have a training sample nearby.

    Input: what `splits.near_pairs` returns for Random, {} where it cannot be made; source, that of the data.
    """
    if not near:
        return Text("")
    (pairs, samples), (tested, tests) = near["all"], near["test"]
    text = f"{pairs} of {samples} samples {'has' if pairs == 1 else 'have'} another within {NEAR_M} m."
    if source not in EXACT:
        return Text(f"{text} They count as samples of one location, and are in one set.")
    have = "has" if tested == 1 else "have"
    return Text(f"{text} The paper's separations tell locations apart by their exact coordinates, so such samples can "
                f"be in different sets: {tested} of the {tests} test samples of Random {have} a training sample within "
                f"{NEAR_M} m.")


def _outside(near: Sequence[Mapping]) -> str:
    return listed([f"{record['left_out_n']} sample{'s' * (record['left_out_n'] != 1)} of {name(record['split'])}"
                   for record in near])
