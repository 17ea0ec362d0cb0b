// Keep the RNAs and pairs of a data set that are within limits.
process CUPID_FILTER {
    tag "${meta.id}"
    label 'process_single'

    input:
    tuple val(meta), path(fasta, stageAs: 'rnas/*'), path(pairs, stageAs: 'pairs/*'), path(types, stageAs: 'types/*')
    tuple val(flags), path(files)

    output:
    tuple val(meta), path('kept.fa'), path('kept.tsv'), emit: kept
    tuple val(meta), path('filter.dropped.tsv'), emit: dropped
    tuple val(meta), path('filter.json'), emit: report
    tuple val(task.process), val('cupid-tools'), eval('cupid-filter --version'), emit: versions

    script:
    def override = types ? "--types ${types}" : ''
    """
    cupid-filter ${flags} ${override} --fasta ${fasta} --fasta-out kept.fa --output kept.tsv \\
        --dropped filter.dropped.tsv --report filter.json ${task.ext.args ?: ''} ${pairs}
    """

    stub:
    """
    touch kept.fa kept.tsv filter.dropped.tsv filter.json
    """
}
