"""The benchmark of the kernels compares implementations with equal results."""

from __future__ import annotations

import json

import pytest
import torch

from benchmarks.kernels import cases, main


@pytest.mark.parametrize("case", cases(16), ids=lambda case: case.name)
def test_the_compared_implementations_give_the_same_numbers(case):
    generator = torch.Generator().manual_seed(0)
    tensors = [torch.randn(shape, generator=generator) for shape in case.shapes]
    torch.testing.assert_close(case.own(*tensors), case.plain(*tensors), atol=1e-4, rtol=1e-4)


def test_it_prints_a_table_and_writes_all_values(tmp_path, capsys):
    output = tmp_path / "kernels.json"
    assert main(["--scale", "32", "--repeats", "1", "-o", str(output)]) == 0
    printed = capsys.readouterr().out
    assert "| correlation, FlowNetC, 256×1×4 |" in printed
    (rows,) = json.loads(output.read_text()).values()
    assert len(rows) == len(cases(32))
    for row in rows.values():
        for kind in ("forward", "with gradients"):
            assert row[kind]["ratio"] == pytest.approx(row[kind]["plain"] / row[kind]["own"])


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_missing_gpu_gives_an_error_of_one_line(capsys):
    assert main(["--device", "cuda"]) == 2
    assert "finds no GPU" in capsys.readouterr().err
