// Score one block of the rows of a pair table.
process CUPID_SCORE {
    tag "${meta.id} ${meta.name} ${meta.block}"
    label 'process_medium'
    label 'process_gpu'

    input:
    tuple val(meta), path(fasta, stageAs: 'rnas/*'), path(types, stageAs: 'types/*'), path(pairs, stageAs: 'pairs/*'), path(model), path(vectors), path(ids)
    tuple val(flags), path(files)

    output:
    tuple val(meta), path("${meta.part}.tsv"), emit: scores
    tuple val(meta), path("${meta.part}.json"), emit: report
    tuple val(task.process), val('cupid-tools'), eval('cupid-score --version'), emit: versions

    script:
    def override = types ? "--types ${types}" : ''
    def store = vectors ? "--embeddings ${vectors}" : ''
    """
    cupid-score ${flags} --model ${model ?: meta.model} --fasta ${fasta} ${override} ${store} \\
        --blocks ${meta.block} --output ${meta.part}.tsv --report ${meta.part}.json \\
        --device ${task.accelerator ? 'cuda' : 'cpu'} --threads ${task.cpus} ${task.ext.args ?: ''} ${pairs}
    """

    stub:
    """
    touch ${meta.part}.tsv ${meta.part}.json
    """
}
