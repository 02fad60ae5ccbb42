# Scope: trajectories of diffusers' DPMSolverMultistepScheduler over a model that is one formula, for every variant of
# its configuration that is supported; written to solver.json by write_golden.py.
#
# The model: output = (0.5 + t/1000) * x / (1 + |x|) + p[i], with p[i] = ((37 i) mod 11 - 5) / 10, in double precision
# and rounded; the start: x[i] = ((29 i) mod 17 - 8) / 5, i = 0..5.
import itertools
import json

import diffusers
import numpy as np
import torch

BETAS = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
SIZE = 6


def model(sample, timestep):
    pattern = torch.tensor([((37 * i) % 11 - 5) / 10 for i in range(SIZE)], dtype=torch.float64)
    x = sample.double()
    return ((0.5 + timestep / 1000) * x / (1 + x.abs()) + pattern).float()


def variants():
    """Pairs of a scheduler_config.json and a number of steps."""
    kinds = [{"solver_order": 1}, {}, {"solver_type": "heun"}, {"solver_order": 3}]
    predictions, spacings = ("epsilon", "v_prediction"), ("linspace", "leading", "trailing")
    for spacing, prediction, kind in itertools.product(spacings, predictions, kinds):
        yield BETAS | {"timestep_spacing": spacing, "prediction_type": prediction, "steps_offset": 1} | kind, 50
    for steps, kind in itertools.product((1, 2, 3, 14, 15), ({}, {"solver_order": 3})):
        yield BETAS | kind, steps
    minimum = {"final_sigmas_type": "sigma_min"}
    for extra in ({}, {"euler_at_final": True}, {"lower_order_final": False}, {"solver_order": 3}):
        yield BETAS | minimum | extra, 10
        yield BETAS | minimum | extra, 25
    yield BETAS | {"prediction_type": "sample"}, 20
    yield {}, 20  # the defaults: linear betas
    yield BETAS | {"num_train_timesteps": 500}, 30
    yield {"trained_betas": [(i + 1) / 1024 for i in range(40)], "num_train_timesteps": 40}, 12
    for spacing, steps in itertools.product(spacings, (7, 49, 333, 999)):
        yield BETAS | {"timestep_spacing": spacing} | minimum, steps
    shared = BETAS | {"steps_offset": 1, "trained_betas": None}
    yield shared | {"_class_name": "PNDMScheduler", "skip_prk_steps": True, "set_alpha_to_one": False}, 20
    yield shared | {"_class_name": "DDIMScheduler", "clip_sample": False, "prediction_type": "v_prediction"}, 20
    yield shared | {"_class_name": "EulerDiscreteScheduler", "timestep_spacing": "leading"}, 20
    yield shared | {"_class_name": "UniPCMultistepScheduler", "solver_type": "bh2"}, 20
    yield shared | {"_class_name": "DEISMultistepScheduler", "solver_type": "logrho"}, 20


class ExactScheduler(diffusers.DPMSolverMultistepScheduler):
    """The same, but `step` does not round its sample to single precision before it computes."""

    def step(self, model_output, timestep, sample):
        self.whole = sample
        return super().step(model_output, timestep, sample)

    def dpm_solver_first_order_update(self, *arguments, sample, **named):
        return super().dpm_solver_first_order_update(*arguments, sample=self.whole, **named)

    def multistep_dpm_solver_second_order_update(self, *arguments, sample, **named):
        return super().multistep_dpm_solver_second_order_update(*arguments, sample=self.whole, **named)

    def multistep_dpm_solver_third_order_update(self, *arguments, sample, **named):
        return super().multistep_dpm_solver_third_order_update(*arguments, sample=self.whole, **named)


def scheduler_of(configuration, exact=True):
    """What a user has who loads the folder and then chooses DPM-Solver."""
    name = configuration.get("_class_name", "DPMSolverMultistepScheduler")
    loaded = getattr(diffusers, name).from_config(configuration)
    return (ExactScheduler if exact else diffusers.DPMSolverMultistepScheduler).from_config(loaded.config)


def trajectory(configuration, steps, exact=True):
    """With `exact`, a step's arithmetic is in double precision, and only its result is rounded.

    In single precision the differences of logarithms in a step's coefficients lose half their digits.
    """
    scheduler = scheduler_of(configuration, exact)
    scheduler.set_timesteps(steps)
    kind = torch.float64 if exact else torch.float32
    scheduler.sigmas = scheduler.sigmas.to(kind)
    sample = torch.tensor([((29 * i) % 17 - 8) / 5 for i in range(SIZE)])
    states = []
    for timestep in scheduler.timesteps:
        output = model(sample, timestep.item())
        sample = scheduler.step(output.to(kind), timestep, sample.to(kind)).prev_sample.float()
        states.append(sample)
    return scheduler.timesteps.tolist(), states


def write(path):
    cases, worst = [], 0.0
    for configuration, steps in variants():
        timesteps, states = trajectory(configuration, steps)
        _, single = trajectory(configuration, steps, exact=False)
        worst = max(worst, ((single[-1] - states[-1]).norm() / states[-1].norm()).item())
        kept = sorted({0, 1, 2, steps // 2, steps - 1} & set(range(steps)))
        cases.append({
            "configuration": configuration, "steps": steps,
            "timesteps": timesteps if len(timesteps) < 13 else timesteps[:5] + timesteps[-5:],
            "states": {str(k + 1): [float(np.float32(v)) for v in states[k].tolist()] for k in kept}})
    lines = ",\n".join(json.dumps(round_floats(case), allow_nan=False) for case in cases)
    path.write_text("[\n" + lines + "\n]\n")
    print(f"solver: {len(cases)} cases; single precision inside would change the end by {worst:.1e} at most")


def round_floats(case):
    shown = lambda value: float(f"{value:.9g}")  # nine digits name a float32
    return case | {"states": {key: [shown(v) for v in values] for key, values in case["states"].items()}}
