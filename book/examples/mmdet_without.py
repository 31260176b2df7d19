# The control: more epochs of your own detector.
_base_ = "my_config.py"
load_from = "my_model.pth"
train_cfg = {"max_epochs": 6}
optim_wrapper = {"optimizer": {"lr": 0.002}}  # a tenth of yours
param_scheduler = [
    {
        "type": "LinearLR",
        "start_factor": 0.01,
        "by_epoch": False,
        "end": 50,
    },
    {
        "type": "CosineAnnealingLR",
        "T_max": 6,
        "convert_to_iter_based": True,
    },
]
test_dataloader = {
    "dataset": {
        "ann_file": "test.json",
        "data_prefix": {"img": "test/"},
    }
}
test_evaluator = {
    "ann_file": "data/test.json"
}  # with its folder
