// Turn one block of the RNAs of a FASTA file into vectors.
process CUPID_EMBED {
    tag "${meta.id} ${meta.name} ${meta.block}"
    label 'process_medium'
    label 'process_gpu'

    input:
    tuple val(meta), path(fasta, stageAs: 'rnas/*'), path(types, stageAs: 'types/*'), path(model, stageAs: 'model/*')
    tuple val(flags), path(files)

    output:
    tuple val(meta), path("${meta.part}.npy"), path("${meta.part}.tsv"), emit: store
    tuple val(meta), path("${meta.part}.json"), emit: report
    tuple val(task.process), val('cupid-tools'), eval('cupid-embed --version'), emit: versions

    script:
    def override = types ? "--types ${types}" : ''
    def like = model || meta.model ? "--model ${model ?: meta.model}" : ''
    """
    cupid-embed ${flags} ${override} ${like} --blocks ${meta.block} --output ${meta.part}.npy --report ${meta.part}.json \\
        --device ${task.accelerator ? 'cuda' : 'cpu'} --threads ${task.cpus} ${task.ext.args ?: ''} ${fasta}
    """

    stub:
    """
    touch ${meta.part}.npy ${meta.part}.tsv ${meta.part}.json
    """
}
