"""Which loss locates better: the answer of 02, and what Table II and Figures 2, 4, 5 and 6 say."""

from collections.abc import Mapping, Sequence

import numpy as np

from rsslib.data import splits
from rsslib.ledger.wording import REFUTED, SETTLED, UNDECIDED, fixed, listed, settled, span
from rsslib.reports.findings import Answer, by_verdict, yes_or_no
from rsslib.reports.style import LOOKS, Told
from rsslib.reports.tables import name

Printed = Mapping[tuple, float]
"""(loss, split) -> the paper's median error [m]."""
OTHERS = ("com", "pse")
"""The losses that EMD is compared with."""
BY = "differences on the same samples with 95 % intervals, i.i.d. bootstrap"


def of_pair(pairs: Sequence[Mapping], left: str, right: str) -> list[Mapping]:
    """Return the paired differences of two losses, a record for each split."""
    return [pair for pair in pairs if (pair["left_loss"], pair["right_loss"]) == (left, right)]


def names(pairs: Sequence[Mapping]) -> str:
    """Return the splits of some records as a sentence lists them."""
    return listed([name(pair["split"]) for pair in pairs])


def unseen(pairs: Sequence[Mapping]) -> list[Mapping]:
    """Return the records of splits that test out of distribution: all but Random."""
    return [pair for pair in pairs if pair["split"] != "random"]


def answer(pairs: Sequence[Mapping], printed: Printed | None = None) -> Answer:
    """Return whether a network trained on EMD locates better, above all out of distribution.

    Input: records of `loss_comparison.pairs`; printed errors, None beside other data than the paper's.
    """
    compared = {other: found for other in OTHERS if (found := of_pair(pairs, "emd", other))}
    if not compared:
        return Answer("not tested", "EMD is compared with no other loss on the same samples.")
    far = {other: found for other, pairs_of in compared.items() if (found := unseen(pairs_of))}
    near = [pair for pairs_of in compared.values() for pair in pairs_of if pair["split"] == "random"]
    text = []
    for field, word in (("median_m", "median"), ("mean_m", "mean")):
        parts = [_clauses(found, other, field) for other, found in far.items()]
        text += [f"Out of distribution, by the {word} error, EMD is {'. It is '.join(parts)}."] if parts else []
    return Answer(_out_of_distribution(far) if far else _in_distribution(near), " ".join(
        [*text, *_seen(near, printed or {}), f"These are {BY}."]))


def _out_of_distribution(far: Mapping[str, Sequence[Mapping]]) -> str:
    by_median, by_mean = (", and ".join(standing(found, field, LOOKS[other].label) for other, found in far.items())
                          for field in ("median_m", "mean_m"))
    return f"out of distribution, by the median error, EMD {by_median}; by the mean error, it {by_mean}"


def _in_distribution(near: Sequence[Mapping]) -> str:
    words = [yes_or_no(settled(pair["ci95_median_m"])) for pair in near]
    parts = [f"against {LOOKS[pair['right_loss']].label} {word}" for pair, word in zip(near, words)]
    return f"not tested out of distribution; in distribution: {words[0] if len(set(words)) == 1 else ', '.join(parts)}"


def standing(pairs: Sequence[Mapping], field: str, other: str) -> str:
    """Return on which splits the first loss of some pairs is settled to be better or worse, for a sentence about it."""
    found = by_verdict(pairs, field)
    better, worse = (found.get(key, []) for key in (SETTLED, REFUTED))
    if better and worse:
        first, then = ("worse than", "better") if len(worse) > len(better) else ("better than", "worse")
        ends = [names(part) for part in sorted((better, worse), key=len, reverse=True)]
        return f"is {first} {other} on {ends[0]} and {then} on {ends[1]} (settled)"
    if better:
        return f"beats {other} {'' if len(better) == len(pairs) else 'only '}on {names(better)} (settled)"
    if worse:
        nowhere = " and beats it nowhere" if len(worse) < len(pairs) else ""
        return f"is worse than {other} on {names(worse)} (settled){nowhere}"
    return f"is in no settled order with {other}"


def verdict(pair: Mapping, field: str = "median_m") -> str:
    """Return "settled" or "undecided" for the sign of a difference."""
    return "undecided" if settled(pair[f"ci95_{field}"]) == UNDECIDED else "settled"


def decimals(pair: Mapping, field: str = "median_m") -> int:
    """Return how many decimals show the sign of a difference and, if it is settled, of the ends of its interval.

    >>> decimals({"median_m": -7.2, "ci95_median_m": [-31, 17]}), decimals({"x": -0.5, "ci95_x": [-1.0, -0.04]}, "x")
    (0, 2)
    """
    shown = [pair[field], *(pair[f"ci95_{field}"] if verdict(pair, field) == "settled" else ())]
    return next((digits for digits in range(9) if all(float(fixed(abs(value), digits)) for value in shown if value)), 9)


def signed(pair: Mapping, field: str = "median_m") -> str:
    """Return a difference and its interval, with signs: "−7 [−31, +17]"."""
    digits = decimals(pair, field)
    return f"{fixed(pair[field], digits, sign=True)} {span(pair[f'ci95_{field}'], digits, sign=True)}"


def _clauses(pairs: Sequence[Mapping], other: str, field: str = "median_m") -> str:
    """Return by how much EMD is ahead of or behind another loss, split by split; the first clause names that loss."""
    parts, label = [], f" {LOOKS[other].label}"
    for pair in pairs:
        digits = decimals(pair, field)
        word = "behind" if pair[field] > 0 else "ahead of" if label else "ahead"
        count = f"n {pair['n']}, " if field == "median_m" else ""
        size = f"{fixed(abs(pair[field]), digits)} m {word}{label}" if pair[field] else f"level with{label or ' it'}"
        parts.append(f"{size} on {name(pair['split'])} {span(pair[f'ci95_{field}'], digits, sign=True)}, "
                     f"{count}{verdict(pair, field)}")
        label = ""
    return "; ".join(parts)


def _seen(near: Sequence[Mapping], printed: Printed) -> list[str]:
    """Return a sentence on Random for each other loss, with what the paper prints."""
    texts = []
    for pair in near:
        said = difference(printed, "emd", pair["right_loss"], "random")
        paper = "" if said is None else f"; the paper prints it {abs(said):.0f} m {'ahead' if said < 0 else 'behind'}"
        texts.append(f"In distribution it is {_clauses([pair], pair['right_loss'])}{paper}.")
    return texts


def difference(printed: Printed, left: str, right: str, split: str) -> float | None:
    """Return the difference of two printed errors [m], None if the paper does not print both."""
    both = [printed.get((loss, split)) for loss in (left, right)]
    return None if None in both else both[0] - both[1]    # type: ignore[operator]


def table2(records: Sequence[Mapping], pairs: Sequence[Mapping], seconds: Mapping[str, float] | None = None) -> Told:
    """Return what the figure of Table II says: which loss is lowest how often, and how often that is settled.

    Input: the records of `loss_comparison.table2` that Table II reports, those of `pairs`; seconds per epoch by loss,
    if shown.
    """
    by_split: dict[str, list[Mapping]] = {}
    for record in records:
        by_split.setdefault(record["split"], []).append(record)
    rows = [f"{name(split)} (n {found[0]['n']}): " + ", ".join(
        f"{LOOKS[record['loss']].label} {record['median_m']:.0f} {span(record['ci95_m'])}" for record in found)
            for split, found in by_split.items()]
    times = ", ".join(f"{LOOKS[loss].label} {value:.3g}" for loss, value in (seconds or {}).items())
    panel = f" A panel at the end shows the seconds of one network's epoch on Random: {times}." if times else ""
    return Told(_lowest(by_split, pairs), "Median error in metres of each loss in each data separation, with 95 % "
                "bootstrap intervals; open marks, where drawn, are the paper's printed values. "
                f"{'; '.join(rows)}.{panel}")


def _lowest(by_split: Mapping[str, Sequence[Mapping]], pairs: Sequence[Mapping]) -> str:
    """Return which losses have the lowest median most often: all that tie, and where it is settled."""
    shown = [loss for loss in LOOKS if any(record["loss"] == loss for found in by_split.values() for record in found)]
    least = {split: min(record["median_m"] for record in found) for split, found in by_split.items()}
    won = {loss: [split for split, found in by_split.items() for record in found
                  if (record["loss"], record["median_m"]) == (loss, least[split])] for loss in shown}
    most = max(map(len, won.values()), default=0)
    best = [loss for loss in shown if len(won[loss]) == most]
    if len(shown) < 2:
        return f"Median error of {LOOKS[shown[0]].label}, the only loss" if shown else "No median error"
    sure = {loss: sum(_leads(pairs, loss, split, shown) for split in won[loss]) for loss in best}
    others = "the other" if len(shown) == 2 else f"{'both' if len(shown) == 3 else 'all'} others"
    tied = ", ties counted" if sum(map(len, won.values())) > len(by_split) else ""
    start = (f"{listed([LOOKS[loss].label for loss in best])} {'has' if len(best) == 1 else 'each have'} the lowest "
             f"median error in {most} of {len(by_split)} separations{tied}")
    parts = [f"in {sure[loss]}" if len(best) == 1 else f"{LOOKS[loss].label} in {sure[loss]}" for loss in best]
    colon = "" if len(best) == 1 else ":"
    return f"{start}{',' if not colon else ';'} settled against {others}{colon} {', '.join(parts)}" if pairs else start


def _leads(pairs: Sequence[Mapping], loss: str, split: str, losses: Sequence[str]) -> bool:
    """Return whether it is settled on a split that `loss` is nearer than each of the other `losses`."""
    ahead = {*(pair["right_loss"] for pair in pairs if pair["split"] == split and pair["left_loss"] == loss
               and settled(pair["ci95_median_m"]) == SETTLED),
             *(pair["left_loss"] for pair in pairs if pair["split"] == split and pair["right_loss"] == loss
               and settled(pair["ci95_median_m"], ">") == SETTLED)}
    return ahead >= set(losses) - {loss}


def differences(pairs: Sequence[Mapping]) -> Told:
    """Return what the figure of paired differences says of EMD against CoM out of distribution, by median and mean."""
    other = next((loss for loss in OTHERS if of_pair(pairs, "emd", loss)), None)
    if other is None:
        return Told("EMD is compared with no other loss", "No differences.")
    asked = unseen(of_pair(pairs, "emd", other)) or of_pair(pairs, "emd", other)
    found = by_verdict(asked, "median_m")
    parts = [f"{word} on {names(found[key])}"
             for key, word in ((SETTLED, "lower"), (REFUTED, "higher"), (UNDECIDED, "undecided")) if key in found]
    where = " out of distribution" if unseen(asked) else ""
    rows = [f"EMD minus {LOOKS[loss].label}: " + "; ".join(
        f"{name(pair['split'])} {signed(pair)}, {verdict(pair)}" for pair in of_pair(pairs, "emd", loss))
            for loss in OTHERS if of_pair(pairs, "emd", loss)]
    by_mean = "; ".join(f"{name(pair['split'])} {signed(pair, 'mean_m')}, {verdict(pair, 'mean_m')}" for pair in asked)
    label = LOOKS[other].label
    return Told(f"Median error of EMD against {label}{where}: {', '.join(parts)}",
                f"A panel for each other loss, a dot for each data separation: the median error of EMD minus that of "
                f"the other, in metres, {BY}; below zero EMD is better. {'. '.join(rows)}. Grey: the interval includes "
                "zero. Open marks, where drawn: the paper. The mean errors, not drawn, may be in another order: "
                f"{'out of distribution ' if where else ''}EMD {standing(asked, 'mean_m', label)}: {by_mean}.")


def curves(histories: Mapping[str, Sequence[Mapping]], split: str = "grid2") -> Told:
    """Return what Figure 5 says of two losses, of one network each."""
    (first, one), (second, other) = histories.items()
    by_epoch = [{record["epoch"]: record["ood_single_median_m"] for record in history} for history in (one, other)]
    shared = sorted(by_epoch[0].keys() & by_epoch[1].keys())
    below = sum(by_epoch[1][epoch] < by_epoch[0][epoch] for epoch in shared)
    ends = {loss: history[-1] for loss, history in histories.items()}
    rows = [f"{word} {', '.join(f'{LOOKS[loss].label} {end[key]:.0f} m' for loss, end in ends.items())}"
            for word, key in (("train", "train_single_median_m"), ("validation", "val_single_median_m"),
                              ("OOD test", "ood_single_median_m"))]
    return Told(f"One network each: the OOD error of {LOOKS[second].label} is below that of {LOOKS[first].label} in "
                f"{below} of {len(shared)} recorded epochs",
                "Three panels, train, validation and out-of-distribution (OOD) test: the median error of one network "
                f"of each ensemble on {name(split)} in metres, by epoch, on a logarithmic scale. At the end: "
                f"{'; '.join(rows)}. One network and one run each, so no interval.")


def pipeline(off: Mapping[str, float]) -> Told:
    """Return what Figure 2 says: how far the two readings are from the truth [m], by loss."""
    return Told(f"One test sample: CoM's centre of mass is {off['com']:.0f} m off, EMD's weighted peaks "
                f"{off['emd']:.0f} m",
                "From left to right: a map of the sensors that heard the transmitter, darker where stronger; a sketch "
                "of the network; above, the surroundings of the true place in the mean image of the CoM ensemble, "
                "whose centre of mass is the location; below, those in the mean image of the EMD ensemble, whose "
                "location is the weighted mean of the members' peak pixels. Where they are zoomed, a small map in a "
                "corner shows the whole image and a rectangle around these surroundings, and a black box below is "
                "around the 3 x 3 pixels of the target image. An open star is the truth, an open cross the location.")


def outputs(images: Mapping[str, np.ndarray], off: Mapping[str, float]) -> Told:
    """Return what Figure 4 says: how many pixels of each image are high, and how far its location is off [m]."""
    high = {loss: int((image > image.max() / 2).sum()) for loss, image in images.items()}
    parts = [f"{LOOKS[loss].label} {number}" for loss, number in high.items()]
    whole = next(iter(images.values())).size
    rows = [f"{LOOKS[loss].label} {number}, with its location {off[loss]:.0f} m off"
            for loss, number in high.items()]
    return Told(f"One sample, pixels above half of the image's maximum: {', '.join(parts)} (of {whole})",
                "A panel for each loss shows the surroundings of the true place in the mean image of the ensemble, "
                "and in a corner, where there is a small map, the whole image and a rectangle around these "
                f"surroundings. Above half of the maximum are, of {whole} pixels: {'; '.join(rows)}. "
                "An open star is the truth, an open cross the predicted location.")


def ambiguous(modes: Sequence[tuple[float, float, float]], truth: tuple[float, float], radius_m: float) -> Told:
    """Return what Figure 6 says: the shares of the peaks, discs of a radius [m], and how far off the nearer one is."""
    peaks = [(letter, f"{100 * share:.0f} %", float(np.hypot(x - truth[0], y - truth[1])))
             for letter, (x, y, share) in zip("ABCDEFGH", modes)]
    if not peaks:
        return Told("No peak is marked in this image", "A map of one predicted image with the sensors' readings.")
    shares = [share for _, share, _ in peaks]
    if len(peaks) > 1 and len(set(shares)) == 1:
        said = f"{listed([letter for letter, *_ in peaks])} ({shares[0]} each)"
    else:
        said = listed([f"{letter} ({share})" for letter, share, _ in peaks])
    letter, _, metres = min(peaks, key=lambda peak: peak[2])
    start = {1: "One peak", 2: "Two peaks"}.get(len(peaks), f"{len(peaks)} peaks")
    nearer = "it" if len(peaks) == 1 else f"the {'nearer' if len(peaks) == 2 else 'nearest'}, {letter},"
    return Told(f"{start}, {said}; {nearer} is {metres:.0f} m off",
                "A map of one predicted image with the sensors' readings. Circles mark its strongest peaks, each a "
                f"disc with a radius of {radius_m:.0f} m, and their shares of the image's mass: " + "; ".join(
                    f"{letter} {share}, {metres:.0f} m from the true place"
                    for letter, share, metres in peaks) + ". The star is the true place.")


def judged(records: Sequence[Mapping]) -> list[Mapping]:
    """Return the records of Table II's own sets: one set for each split."""
    return [record for record in records if record["set"] == splits.report_set(record["split"])]
