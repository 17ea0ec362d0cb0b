// Draw where the best pairs bind, and what their scores rest on.
process CUPID_EXPLAIN {
    tag "${meta.id}"
    label 'process_low'

    input:
    tuple val(meta), path(fasta, stageAs: 'rnas/*'), path(types, stageAs: 'types/*'), path(pairs, stageAs: 'pairs/*'), path(model)
    tuple val(flags), path(files)

    output:
    tuple val(meta), path('explanations'), emit: folder
    tuple val(meta), path('explain.json'), emit: report
    tuple val(task.process), val('cupid-tools'), eval('cupid-explain --version'), emit: versions

    script:
    def override = types ? "--types ${types}" : ''
    """
    cupid-explain ${flags} --model ${model ?: meta.model} --fasta ${fasta} ${override} --output explanations \\
        --report explain.json --device cpu --threads ${task.cpus} ${task.ext.args ?: ''} ${pairs}
    """

    stub:
    """
    mkdir explanations
    touch explanations/index.html explain.json
    """
}
