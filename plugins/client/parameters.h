/* Written by `python -m vst.host.plugin_parameters` from the tables of options in
 * vst/pipeline/option_groups/ and vst/host/plugin_parameters.py; do not edit.
 *
 * Projects save OpenFX values by name, choices by number and frei0r values by position. */
#ifndef VST_PARAMETERS_H
#define VST_PARAMETERS_H

/* Choices that are not in the plugin's configuration, by number. */
#define VST_CHOICES_DEVICE "auto", "cpu", "cuda", "mps"
#define VST_CHOICES_COLOUR_SPACE "auto", "sRGB (display)", "linear"
#define VST_CHOICES_LOOK_AHEAD "auto", "0"

/* X(name, label, kind, default, minimum, maximum, slider maximum, animates, hint) */
#define VST_OPENFX_PARAMETERS(X) \
    X("style", "Style", CHOICE, 0, 0, 0, 0, 0, "The style.") \
    X("blend", "Blend", TEXT, 0, 0, 0, 0, 0, "A style by name, or a blend such as candy:0.6+wave:0.4. Takes precedence over the list.") \
    X("mode", "Mode", CHOICE, 0, 0, 0, 0, 0, "vtn: strokes follow the motion. itn: each frame independently.") \
    X("strength", "Strength", NUMBER, 1, 0, 1, 1, 1, "Mix of clip and stylization: 0 is the clip, 1 the stylization.") \
    X("keepColor", "Keep colour", BOOLEAN, 0, 0, 1, 1, 0, "Keep the clip's colour; take only the luminance of the stylization.") \
    X("styleScale", "Stroke size", NUMBER, 0, 0, 10, 4, 0, "Size of the strokes: 1 as at 480p, 2 twice as broad; 0 chooses as 'vst render' does.") \
    X("seed", "Seed", INTEGER, 0, 0, 1000000, 1000, 0, "For modes that draw random numbers; other modes ignore it.") \
    X("device", "Device", CHOICE, 0, 0, 0, 0, 0, "The processor that the networks run on.") \
    X("colourSpace", "Input colour", CHOICE, 0, 0, 0, 0, 0, "auto: scene-linear for float pixels in Nuke and Natron, else sRGB.") \
    X("replayLimit", "Frames while scrubbing", INTEGER, 60, 1, 100000, 240, 0, "How many frames of a shot are stylized at most to show one of them in interactive use. Such a frame is approximate. A render always starts at the shot's first frame.") \
    X("weights", "Weights", FOLDER, 0, 0, 0, 0, 0, "Look for weights in this folder first.") \
    X("keepBorders", "Keep borders", BOOLEAN, 1, 0, 1, 1, 0, "Leave borders of one colour as they are, such as letterbox bars, and stylize the picture inside as if they were not there.") \
    X("keyframeInterval", "Keyframe interval", INTEGER, 0, 0, 16, 16, 0, "Stylize one frame in so many, and propagate it to the frames between. 0 chooses: one in a third of a second with vtn, every frame with other modes.") \
    X("lookAhead", "Look-ahead", CHOICE, 0, 0, 0, 0, 0, "Frames between two keyframes: auto waits for the later one and uses both, 0 uses the earlier one alone, for live use.")

/* X(constant, name, type, default, value that 1 stands for, explanation), by position */
#define VST_FREI0R_PARAMETERS(X) \
    X(STYLE, "style", F0R_PARAM_STRING, 0, 1, "A style, or a blend such as candy:0.6+wave:0.4.") \
    X(MODE, "mode", F0R_PARAM_STRING, 0, 1, "vtn: strokes follow the motion; itn: each frame independently") \
    X(STRENGTH, "strength", F0R_PARAM_DOUBLE, 1, 1, "Mix of clip and stylization: 0 is the clip, 1 the stylization.") \
    X(KEEP_COLOR, "keep_color", F0R_PARAM_BOOL, 0, 1, "Keep the clip's colour; take only the luminance of the stylization.") \
    X(STYLE_SCALE, "style_scale", F0R_PARAM_DOUBLE, 0, 10, "size of the strokes divided by 10; 0 chooses as 'vst render' does") \
    X(DEVICE, "device", F0R_PARAM_STRING, 0, 1, "auto, cpu, cuda, cuda:N or mps (Apple, untested).") \
    X(WEIGHTS, "weights", F0R_PARAM_STRING, 0, 1, "Look for weights in this folder first.") \
    X(SEED, "seed", F0R_PARAM_DOUBLE, 0, 1000000, "the seed divided by 1000000, for modes that draw random numbers") \
    X(KEEP_BORDERS, "keep_borders", F0R_PARAM_BOOL, 1, 1, "leave borders of one colour, such as letterbox bars, as they are") \
    X(KEYFRAME_INTERVAL, "keyframe_interval", F0R_PARAM_DOUBLE, 0, 16, "as --keyframe-interval of 'vst render', divided by 16; 0 chooses")

#endif
