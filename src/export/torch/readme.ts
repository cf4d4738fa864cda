/** README.md beside an emitted model: how it is run, and what holds. */
export const readmeText = (name: string): string => `# ${name}, for PyTorch

\`model.py\` is the model, \`train.py\` trains it; both stand alone (torch 2.6 or later, numpy, safetensors).

    pip install torch numpy safetensors
    lmg tokens --data text.txt --tokenizer FOLDER -o tokens      # training.npy, validation.npy, tokenizer.json
    python train.py --data tokens --out run                      # one process
    torchrun --nproc-per-node 8 train.py --data tokens --out run --bf16 --compile --recompute
    lmg generate run --prompt "Once"                             # the folder is a run of lmg

Arrays are given by name: \`--data image=images.npy label=labels.npy\`. \`--weights FILE\` begins with published ones. A run that was
stopped goes on with the same command, on any number of processes and with any \`--tensor\`; \`torchrun --max-restarts 3\` restarts one whose
process ended, from the last checkpoint. On several machines also set \`TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1\` for it: else processes that are
started again may look for those that ended (pytorch/pytorch#135712).

| what | how |
|---|---|
| layers sharded over processes | FSDP2, each block of \`BLOCKS\` by itself |
| layers shared out | \`--tensor N\`: columns, rows and heads of branches, tokens of the vocabulary, by \`TENSOR_PARALLEL\`; positions between branches by \`SEQUENCE_PARALLEL\` |
| weights as they begin | by seed and name: the same numbers on any number of processes, and as \`lmg train\` draws them |
| batches | of the same rows in the same order as \`lmg train\`; each process takes its rows of each |
| loss | the sum over all processes and micro-steps, divided by the count over all of them |
| checkpoints | DCP, every \`--every\` updates, under \`run/checkpoint\` |
| results | \`run/model.safetensors\`, by the names of published checkpoints |

Sums in another order differ by 1e-7 of their size, so runs on other numbers of processes are equal to about 1e-6, not bit for bit.
Dropout draws other numbers than lmg, and the same on processes that share layers out. bfloat16 promises no such equality.
`;
