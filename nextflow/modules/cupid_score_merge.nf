// Join the scored blocks of a pair table.
process CUPID_SCORE_MERGE {
    tag "${meta.id} ${meta.name}"
    label 'process_single'

    input:
    tuple val(meta), path(pairs, stageAs: 'pairs/*'), path(parts, stageAs: 'parts/*')

    output:
    tuple val(meta), path("${meta.name}.tsv"), emit: scores
    tuple val(meta), path("${meta.name}.score.json"), emit: report
    tuple val(task.process), val('cupid-tools'), eval('cupid-score --version'), emit: versions

    script:
    """
    cupid-score --output ${meta.name}.tsv --report ${meta.name}.score.json ${task.ext.args ?: ''} ${pairs} \\
        --merge parts/*.tsv
    """

    stub:
    """
    touch ${meta.name}.tsv ${meta.name}.score.json
    """
}
