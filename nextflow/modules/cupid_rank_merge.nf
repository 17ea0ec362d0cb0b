// Join the rankings of all blocks of the queries.
process CUPID_RANK_MERGE {
    tag "${meta.id}"
    label 'process_single'

    input:
    tuple val(meta), path(queries, stageAs: 'queries/*'), path(parts, stageAs: 'parts/*')
    tuple val(flags), path(files)

    output:
    tuple val(meta), path("${meta.name}.tsv"), emit: ranking
    tuple val(meta), path("${meta.name}.score.json"), emit: report
    tuple val(task.process), val('cupid-tools'), eval('cupid-score --version'), emit: versions

    script:
    """
    cupid-score ${flags} --queries ${queries} --output ${meta.name}.tsv --report ${meta.name}.score.json ${task.ext.args ?: ''} \\
        --merge parts/*.tsv
    """

    stub:
    """
    touch ${meta.name}.tsv ${meta.name}.score.json
    """
}
