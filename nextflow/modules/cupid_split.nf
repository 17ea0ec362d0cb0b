// Assign each pair to train, valid or test.
process CUPID_SPLIT {
    tag "${meta.id}"
    label 'process_single'

    input:
    tuple val(meta), path(fasta), path(pairs), path(groups, stageAs: 'groups/*')
    tuple val(flags), path(files)

    output:
    tuple val(meta), path('split.tsv'), emit: split
    tuple val(meta), path('split.dropped.tsv'), emit: dropped
    tuple val(meta), path('split.json'), emit: report
    tuple val(task.process), val('cupid-tools'), eval('cupid-split --version'), emit: versions

    script:
    def relatives = groups ? "--groups ${groups}" : ''
    """
    cupid-split ${flags} ${relatives} --fasta ${fasta} --output split.tsv --dropped split.dropped.tsv \\
        --report split.json ${task.ext.args ?: ''} ${pairs}
    """

    stub:
    """
    touch split.tsv split.dropped.tsv split.json
    """
}
