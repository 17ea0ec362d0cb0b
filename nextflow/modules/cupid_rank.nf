// Rank all targets for one block of the queries.
process CUPID_RANK {
    tag "${meta.id} ${meta.name} ${meta.block}"
    label 'process_medium'
    label 'process_gpu'

    input:
    tuple val(meta), path(queries, stageAs: 'queries/*'), path(targets, stageAs: 'targets/*'), path(types, stageAs: 'types/*'), path(model), path(vectors), path(ids)
    tuple val(flags), path(files)

    output:
    tuple val(meta), path("${meta.part}.tsv"), emit: ranking
    tuple val(meta), path("${meta.part}.json"), emit: report
    tuple val(task.process), val('cupid-tools'), eval('cupid-score --version'), emit: versions

    script:
    def override = types ? "--types ${types}" : ''
    def stores = [vectors].flatten().collect { store -> "--embeddings ${store}" }.join(' ')
    """
    cupid-score ${flags} --model ${model ?: meta.model} --queries ${queries} --targets ${targets} ${override} ${stores} \\
        --blocks ${meta.block} --output ${meta.part}.tsv --report ${meta.part}.json \\
        --device ${task.accelerator ? 'cuda' : 'cpu'} --threads ${task.cpus} ${task.ext.args ?: ''}
    """

    stub:
    """
    touch ${meta.part}.tsv ${meta.part}.json
    """
}
