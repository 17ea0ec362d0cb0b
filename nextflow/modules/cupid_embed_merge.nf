// Join the stores of all blocks into the one that a single run would have written.
process CUPID_EMBED_MERGE {
    tag "${meta.id}"
    label 'process_single'

    input:
    tuple val(meta), path(fasta, stageAs: 'rnas/*'), path(vectors, stageAs: 'parts/*'), path(tables, stageAs: 'parts/*')
    tuple val(flags), path(files)

    output:
    tuple val(meta), path("${meta.name}.npy"), path("${meta.name}.tsv"), emit: store
    tuple val(meta), path("${meta.name}.json"), emit: report
    tuple val(task.process), val('cupid-tools'), eval('cupid-embed --version'), emit: versions

    script:
    """
    cupid-embed ${flags} --output ${meta.name}.npy --report ${meta.name}.json ${task.ext.args ?: ''} ${fasta} \\
        --merge parts/*.npy
    """

    stub:
    """
    touch ${meta.name}.npy ${meta.name}.tsv ${meta.name}.json
    """
}
