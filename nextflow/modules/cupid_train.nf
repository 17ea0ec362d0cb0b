// Fit a classifier, to sequences or, where a store is given, to vectors.
process CUPID_TRAIN {
    tag "${meta.id} ${meta.name}"
    label 'process_high'
    label 'process_gpu'

    input:
    tuple val(meta), path(fasta), path(pairs), path(groups, stageAs: 'groups/*'), path(vectors), path(ids)
    tuple val(flags), path(files)

    output:
    tuple val(meta), path("${meta.name}.safetensors"), emit: model
    tuple val(meta), path("${meta.name}.curves.tsv"), emit: curves
    tuple val(meta), path("${meta.name}.train.json"), emit: report
    tuple val(task.process), val('cupid-tools'), eval('cupid-train --version'), emit: versions

    script:
    def store = vectors ? "--embeddings ${vectors}" : ''
    def relatives = groups ? "--groups ${groups}" : ''
    """
    cupid-train ${flags} --classifier ${meta.name} --fasta ${fasta} ${store} ${relatives} \\
        --output ${meta.name}.safetensors --curves ${meta.name}.curves.tsv \\
        --report ${meta.name}.train.json --device ${task.accelerator ? 'cuda' : 'cpu'} --threads ${task.cpus} \\
        ${task.ext.args ?: ''} ${pairs}
    """

    stub:
    """
    touch ${meta.name}.safetensors ${meta.name}.curves.tsv ${meta.name}.train.json
    """
}
