import torch

from vst.nn.vgg import VGG19_STAGES, PairedFeatures, SlimVGG19, VGGFeatures


def test_feature_maps_have_the_sizes_of_vgg():
    network = VGGFeatures((2, 2, 1))
    found = network(torch.rand(1, 3, 32, 48), ("relu1_2", "relu2_1", "relu3_1"))
    assert [tuple(value.shape[1:]) for value in found.values()] == [
        (64, 32, 48),
        (128, 16, 24),
        (256, 8, 12),
    ]


def test_layer_names_follow_the_stages():
    assert VGGFeatures(VGG19_STAGES[:3]).layers[-1] == "relu3_4"


def test_bgr_weights_see_blue_first():
    torch.manual_seed(0)
    plain = VGGFeatures((1,), mean=(0, 0, 0), scale=(1, 1, 1))
    swapped = VGGFeatures((1,), mean=(0, 0, 0), scale=(1, 1, 1), bgr=True)
    swapped.load_state_dict(plain.state_dict())
    image = torch.rand(1, 3, 8, 8)
    torch.testing.assert_close(
        swapped(image.flip(1), ("relu1_1",))["relu1_1"], plain(image, ("relu1_1",))["relu1_1"]
    )


def test_normalisation_does_not_depend_on_the_weights_type():
    network = VGGFeatures((1,), mean=(0.48, 0.46, 0.41), scale=(255, 255, 255)).bfloat16()
    assert network.mean == (0.48, 0.46, 0.41)
    assert network(torch.rand(1, 3, 8, 8), ("relu1_1",))["relu1_1"].dtype == torch.bfloat16


def test_the_first_part_that_has_a_layer_gives_it():
    exact, slim = VGGFeatures((2, 2)), SlimVGG19()
    pair = PairedFeatures(exact, slim)
    image = torch.rand(1, 3, 32, 32)
    found = pair(image, ("relu1_1", "relu4_1"))
    torch.testing.assert_close(found["relu1_1"], exact(image, ("relu1_1",))["relu1_1"])
    torch.testing.assert_close(found["relu4_1"], slim(image, ("relu4_1",))["relu4_1"])
    assert set(pair.layers) >= {"relu1_2", "relu2_2", "relu4_1", "relu5_1"}
