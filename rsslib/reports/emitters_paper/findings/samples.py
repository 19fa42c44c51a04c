"""What the drawings of notebook 06 say: one sample of the task, the networks, samples on their way through them."""

from collections.abc import Mapping, Sequence

from rsslib.ledger.wording import fixed, reach
from rsslib.reports.emitters_paper.cases import Case, off_m
from rsslib.reports.style import Told


def task(case: Case) -> Told:
    """Return what the map of one sample of the task says."""
    above, number = int((case.sensors[:, 2] > case.threshold_dbm).sum()), len(case.truth)
    sensors, level = len(case.sensors), fixed(case.threshold_dbm, 1)
    return Told(f"The task: {above} of {sensors} sensors read more than the threshold; who is on the air, and where?",
                f"Three maps of one test sample in {case.title}. Left: the power on the air; stars mark the true "
                f"emitters, {number} in number. Middle: what {sensors} sensors in random cells measure. Right: the "
                f"network input, a number that grows with the power above {level} dBm at {above} sensors, −0.1 at the "
                f"{sensors - above} others, 0 where there is no sensor.")


def networks(parameters: Mapping[str, int], occupancy: int, readings: bool) -> Told:
    """Return what the drawing of the networks says: their sizes."""
    sizes = sorted(count / 1000 for count in parameters.values())
    beside = "its logits, beside the sensors' image," if readings else "its logits"
    return Told(f"Networks of {sizes[0]:.0f} to {sizes[-1]:.0f} thousand parameters: one stage, or two through a map "
                "of occupied cells",
                "A sketch of two ways from the sensors' image to a list of emitters with existence, row and column. "
                f"Above, one residual network of {parameters['single_stage']} parameters. Below, an occupancy network "
                f"of {occupancy} parameters estimates which cells are above a power threshold; a smaller residual "
                f"network reads {beside} or the binary map ({parameters['two_stage_logit']} and "
                f"{parameters['two_stage_binary']} parameters in all).")


def sample(single: Case, two: Case) -> Told:
    """Return what the sample says in which two stages win by the notebook's rule."""
    said = f"the single stage {_outcome(single)}; the two-stage network {_outcome(two)}"
    return Told(f"In a sample chosen because two stages win, {said}",
                f"Three maps of one test sample in {single.title}: power and sensors; the single stage's predictions; "
                f"those of two stages over the logits of occupancy. In it {said}. Dashed lines join each true emitter "
                "to its prediction where the count is right. The sample was chosen by a rule that favours two stages.")


def scenes(cases: Sequence[Case]) -> Told:
    """Return what the samples of the environments say: how far off those with the right count are."""
    away = [distance for distance in map(off_m, cases) if distance is not None]
    number, words = len(cases), ("One", "Two", "Three", "Four", "Five")
    head = f"{words[number - 1] if number <= len(words) else number} sample{'s' * (number > 1)}"
    off = f"{reach(away)} m" if away else ""
    title = (f"{head} with the count right and the median error of such: {off}" if len(away) == number else
             f"{head} by the rule of the median error, count right in {len(away)} of {number}: {off} off" if away else
             f"{head} by the rule of the median error, but no count right")
    return Told(title,
                "A row for each environment: the power map, the sensors, the estimated logits of occupancy, and the "
                "predicted emitters, crosses, beside the true ones, stars. "
                + " ".join(f"{case.title}: the network {_outcome(case)}." for case in cases)
                + " Samples were chosen by a rule: three emitters, all found, with the median error of such samples; "
                "if none has all found, the first with three.")


def _outcome(case: Case) -> str:
    """Return a case's outcome in words."""
    away, number = off_m(case), len(case.predicted)
    if away is not None:
        found = {1: "the one", 2: "both"}.get(number, f"all {number}")
        return f"finds {found}, {fixed(away)} m off"
    return f"says {number} instead of {len(case.truth)}" if number != len(case.truth) else "rightly says none"
