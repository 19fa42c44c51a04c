"""Which loss locates better: the answer of 02, and what Table II and Figures 2, 4, 5 and 6 say."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from rsslib.ledger.wording import REFUTED, SETTLED, UNDECIDED, decimals, fixed, listed, settled, span
from rsslib.reports.findings import BOOTSTRAP, Answer, Records, by_verdict, in_words, yes_or_no
from rsslib.reports.style import IN_DISTRIBUTION, LOOKS, Told
from rsslib.reports.tables import name

Printed = Mapping[tuple, float]
"""(loss, split) -> the paper's median error [m]."""
OTHERS = ("com", "pse")
"""The losses that EMD is compared with."""
BY = f"differences on the same samples, {BOOTSTRAP}"


def against(pairs: Records, other: str) -> list[Mapping]:
    """Return the paired differences EMD minus another loss, a record for each split."""
    return [pair for pair in pairs if (pair["left_loss"], pair["right_loss"]) == ("emd", other)]


def names(pairs: Records) -> str:
    """Return the splits of some records as a sentence lists them."""
    return listed([name(pair["split"]) for pair in pairs])


def unseen(pairs: Records) -> list[Mapping]:
    """Return the records of splits that test out of distribution."""
    return [pair for pair in pairs if pair["split"] not in IN_DISTRIBUTION]


def answer(pairs: Records, printed: Printed | None = None) -> Answer:
    """Return whether a network trained on EMD locates better, above all out of distribution.

    Input: records of `loss_comparison.pairs`; printed errors, None beside other data than the paper's.
    """
    compared = {other: found for other in OTHERS if (found := against(pairs, other))}
    if not compared:
        return Answer("not tested", "EMD is compared with no other loss on the same samples.")
    far = {other: tested for other, found in compared.items() if (tested := unseen(found))}
    near = [pair for found in compared.values() for pair in found if pair not in unseen(found)]
    texts = [f"Out of distribution, by the {word} error, EMD is "
             + ". It is ".join(_clauses(found, field) for found in far.values()) + "."
             for field, word in (("median_m", "median"), ("mean_m", "mean")) if far]
    for pair in near:
        said = difference(printed or {}, pair["right_loss"], pair["split"])
        paper = "" if said is None else f"; the paper prints it {abs(said):.0f} m {'ahead' if said < 0 else 'behind'}"
        texts.append(f"In distribution it is {_clauses([pair])}{paper}.")
    by_median, by_mean = (", and ".join(standing(found, field) for found in far.values())
                          for field in ("median_m", "mean_m"))
    word = f"out of distribution, by the median error, EMD {by_median}; by the mean error, it {by_mean}"
    return Answer(word if far else _near_word(near), " ".join([*texts, f"These are {BY}."]))


def _near_word(near: Records) -> str:
    words = {name(pair["right_loss"]): yes_or_no(settled(pair.get("ci95_median_m"))) for pair in near}
    said = [f"against {other} {word}" for other, word in words.items()]
    return "not tested out of distribution; in distribution: " + ", ".join(
        said if len(set(words.values())) > 1 else [*words.values()][:1])


def standing(pairs: Records, field: str) -> str:
    """Return on which splits EMD is settled to be better or worse than another loss, for a sentence about it."""
    found, other = by_verdict(pairs, lambda pair: settled(pair.get(f"ci95_{field}"))), name(pairs[0]["right_loss"])
    better, worse = (found.get(key, []) for key in (SETTLED, REFUTED))
    if better and worse:
        first, then = ("worse than", "better") if len(worse) > len(better) else ("better than", "worse")
        most, fewest = sorted((better, worse), key=len, reverse=True)
        return f"is {first} {other} on {names(most)} and {then} on {names(fewest)} (settled)"
    if better:
        return f"beats {other} {'' if len(better) == len(pairs) else 'only '}on {names(better)} (settled)"
    if worse:
        nowhere = " and beats it nowhere" if len(worse) < len(pairs) else ""
        return f"is worse than {other} on {names(worse)} (settled){nowhere}"
    return f"is in no settled order with {other}"


def better(pair: Mapping, field: str = "median_m") -> str | None:
    """Return the loss that is settled to have the smaller error, None if neither is."""
    return {SETTLED: pair["left_loss"], REFUTED: pair["right_loss"]}.get(settled(pair.get(f"ci95_{field}")))


def verdict(pair: Mapping, field: str = "median_m") -> str:
    """Return "settled" or "undecided" for the sign of a difference."""
    return "settled" if better(pair, field) else UNDECIDED


def shown(pair: Mapping, field: str = "median_m") -> tuple[int, str]:
    """Return how many decimals show the sign of a difference and, if it is settled, of its ends; and the interval."""
    digits = decimals([pair[field], *(pair[f"ci95_{field}"] if better(pair, field) else ())])
    return digits, span(pair.get(f"ci95_{field}"), digits, sign=True)


def _signed(pair: Mapping, field: str = "median_m") -> str:
    """Return a difference, its interval and what it settles: "Grid2 −7 [−31, +17], undecided"."""
    digits, ends = shown(pair, field)
    return f"{name(pair['split'])} {fixed(pair[field], digits, sign=True)} {ends}, {verdict(pair, field)}"


def _clauses(pairs: Records, field: str = "median_m") -> str:
    """Return by how much EMD is ahead of or behind another loss, split by split; the first clause names that loss."""
    parts, label = [], f" {name(pairs[0]['right_loss'])}"
    for pair in pairs:
        digits, ends = shown(pair, field)
        word = "behind" if pair[field] > 0 else "ahead of" if label else "ahead"
        size = f"{fixed(abs(pair[field]), digits)} m {word}{label}" if pair[field] else f"level with{label or ' it'}"
        count = f"n {pair['n']}, " if field == "median_m" else ""
        parts.append(f"{size} on {name(pair['split'])} {ends}, {count}{verdict(pair, field)}")
        label = ""
    return "; ".join(parts)


def difference(printed: Printed, other: str, split: str) -> float | None:
    """Return EMD's printed error less that of another loss [m], None if the paper does not print both."""
    if not {("emd", split), (other, split)} <= set(printed):
        return None
    return printed["emd", split] - printed[other, split]


def table2(records: Records, pairs: Records, seconds: Mapping[str, float]) -> Told:
    """Return what the figure of Table II says: which loss is lowest how often, and how often that is settled."""
    by_split: dict[str, list[str]] = {}
    for record in records:
        by_split.setdefault(f"{name(record['split'])} (n {record['n']})", []).append(
            f"{name(record['loss'])} {record['median_m']:.0f} {span(record.get('ci95_m'))}")
    rows = "; ".join(f"{split}: {', '.join(found)}" for split, found in by_split.items())
    times = ", ".join(f"{name(loss)} {value:.3g}" for loss, value in seconds.items())
    panel = f" A panel at the end shows the seconds of one network's epoch on Random: {times}." if times else ""
    return Told(_lowest(records, pairs), "Median error in metres of each loss in each data separation, with 95 % "
                f"intervals; open marks, where drawn, are the paper's printed values. {rows}.{panel}")


def _lowest(records: Records, pairs: Records) -> str:
    """Return which losses have the lowest median most often: all that tie, and where it is settled.

    The sliced EMD is no rival: it stands for the exact one. Separations with one loss compare nothing.
    """
    aside = "Without the sliced EMD: " * any(record["loss"] == "sliced" for record in records)
    records = [record for record in records if record["loss"] != "sliced"]
    pairs = [pair for pair in pairs if "sliced" not in (pair["left_loss"], pair["right_loss"])]
    errors = pd.DataFrame(records).pivot_table("median_m", "loss", "split", "first")
    if len(errors) < 2:
        return f"Median error of {name(errors.index[0])}, the only loss"
    errors = errors.loc[:, errors.notna().sum() > 1]
    lowest = errors.reindex([loss for loss in LOOKS if loss in errors.index]).eq(errors.min())
    wins, n = lowest.sum(axis=1), len(errors.columns)
    best = list(wins.index[wins == wins.max()])
    tied = ", ties counted" if wins.sum() > n else ""
    start = (f"{aside}{listed(list(map(name, best)))} {'has' if len(best) == 1 else 'each have'} the lowest median "
             f"error in {wins.max()} of {n} separations{tied}")
    if not pairs:
        return start
    leads = {(loss, split): sum(better(pair) == loss for pair in pairs if pair["split"] == split)
             for loss in best for split in lowest.columns[lowest.loc[loss]]}
    rivals = errors.notna().sum() - 1    # not every loss is trained on every separation
    sure = {loss: sum(of == loss and n == rivals[split] for (of, split), n in leads.items()) for loss in best}
    others = {2: "the other", 3: "both others"}.get(len(wins), "all others")
    if len(best) == 1:
        return f"{start}, settled against {others} in {sure[best[0]]}"
    return f"{start}; settled against {others}: " + ", ".join(f"{name(loss)} in {n}" for loss, n in sure.items())


def differences(pairs: Records) -> Told:
    """Return what the figure of paired differences says of EMD against CoM out of distribution, by median and mean."""
    compared = {name(other): found for other in OTHERS if (found := against(pairs, other))}
    if not compared:
        return Told("EMD is compared with no other loss", "No differences.")
    label, first = next(iter(compared.items()))
    asked, where = (unseen(first), " out of distribution") if unseen(first) else (first, "")
    words = {SETTLED: "lower", REFUTED: "higher", UNDECIDED: UNDECIDED}
    parts = [f"{words[word]} on {names(group)}"
             for word, group in by_verdict(asked, lambda pair: settled(pair.get("ci95_median_m"))).items()]
    rows = [f"EMD minus {other}: {'; '.join(map(_signed, found))}" for other, found in compared.items()]
    return Told(f"Median error of EMD against {label}{where}: {', '.join(parts)}",
                f"A panel for each other loss, a dot for each data separation: the median error of EMD minus that of "
                f"the other, in metres, {BY}; below zero EMD is better. {'. '.join(rows)}. Grey: the interval includes "
                "zero. Open marks, where drawn: the paper. The mean errors, not drawn, may be in another order: "
                f"{f'{where[1:]} ' if where else ''}EMD {standing(asked, 'mean_m')}: "
                f"{'; '.join(_signed(pair, 'mean_m') for pair in asked)}.")


def curves(histories: Mapping[str, Records], split: str = "grid2") -> Told:
    """Return what Figure 5 says of two losses, of one network each."""
    first, second = (pd.DataFrame(history).set_index("epoch") for history in histories.values())
    shared = first.index.intersection(second.index)
    below = (second.ood_single_median_m[shared] < first.ood_single_median_m[shared]).sum()
    one, other = map(name, histories)
    rows = [f"{word} {one} {first[key].iloc[-1]:.0f} m, {other} {second[key].iloc[-1]:.0f} m"
            for word, key in (("train", "train_single_median_m"), ("validation", "val_single_median_m"),
                              ("OOD test", "ood_single_median_m"))]
    return Told(f"One network each: the OOD error of {other} is below that of {one} in {below} of {len(shared)} "
                "recorded epochs",
                "Three panels, train, validation and out-of-distribution (OOD) test: the median error of one network "
                f"of each ensemble on {name(split)} in metres, by epoch, on a logarithmic scale. At the end: "
                f"{'; '.join(rows)}. One network and one run each, so no interval.")


def fit_and_transfer(fits: Mapping[tuple[str, str], np.ndarray]) -> Told:
    """Return what the error out of distribution is at equal error in distribution. Input: `loss_comparison.fits`."""
    shares, rows = {}, []
    for split in dict.fromkeys(split for split, _ in fits):
        com, emd = (fits[split, loss] for loss in ("com", "emd"))
        reached = np.minimum.accumulate(com[:, 0])    # the best fit of CoM so far
        inside = (emd[:, 0] <= reached[0]) & (emd[:, 0] >= reached[-1])
        at_equal_fit = np.interp(np.log(emd[inside, 0]), np.log(reached[::-1]), com[::-1, 1])
        shares[split] = int((emd[inside, 1] < at_equal_fit).sum()), int(inside.sum())
        rows += [f"{name(split)}, {name(loss)}: from {path[0, 0]:.0f} m in and {path[0, 1]:.0f} m out of distribution "
                 f"to {path[-1, 0]:.0f} m and {path[-1, 1]:.0f} m" for (of, loss), path in fits.items() if of == split]
    said = [f"{below} of {n} epochs on {name(split)}" for split, (below, n) in shares.items()]
    return Told(f"At equal fit, EMD errs less than CoM out of distribution in {listed(said)}",
                "A panel for each separation: the median error of one network out of distribution against that in "
                "distribution, both in metres and logarithmic, a dot for each validated epoch; the larger mark is the "
                f"last one. {'; '.join(rows)}. CoM at the fit of an epoch of EMD is interpolated. One network "
                "and one run each, so no interval.")


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
    high = {loss: f"{name(loss)} {(image > image.max() / 2).sum()}" for loss, image in images.items()}
    whole = next(iter(images.values())).size
    rows = [f"{said}, with its location {off[loss]:.0f} m off" for loss, said in high.items()]
    return Told(f"One sample, pixels above half of the image's maximum: {', '.join(high.values())} (of {whole})",
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
    letters, shares, _ = zip(*peaks)
    if len(peaks) > 1 and len(set(shares)) == 1:
        said = f"{listed(letters)} ({shares[0]} each)"
    else:
        said = listed([f"{letter} ({share})" for letter, share in zip(letters, shares)])
    letter, _, metres = min(peaks, key=lambda peak: peak[2])
    nearer = "it" if len(peaks) == 1 else f"the {'nearer' if len(peaks) == 2 else 'nearest'}, {letter},"
    return Told(f"{in_words(len(peaks)).capitalize()} peak{'s' * (len(peaks) > 1)}, {said}; {nearer} is {metres:.0f} m "
                "off",
                "A map of one predicted image with the sensors' readings. Circles mark its strongest peaks, each a "
                f"disc with a radius of {radius_m:.0f} m, and their shares of the image's mass: " + "; ".join(
                    f"{letter} {share}, {metres:.0f} m from the true place"
                    for letter, share, metres in peaks) + ". The star is the true place.")
