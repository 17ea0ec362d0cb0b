// Compute the interaction energies of one block of the rows of a pair table.
process INTARNA_COMPARE {
    tag "${meta.id} ${meta.name} ${meta.block}"
    label 'process_medium'

    input:
    tuple val(meta), path(fasta, stageAs: 'rnas/*'), path(types, stageAs: 'types/*'), path(pairs, stageAs: 'pairs/*')
    tuple val(flags), path(files)

    output:
    tuple val(meta), path("${meta.part}.tsv"), emit: energies
    tuple val(meta), path("${meta.part}.json"), emit: report
    tuple val(task.process), val('cupid-tools'), eval('intarna-compare --version'), emit: versions

    script:
    def override = types ? "--types ${types}" : ''
    """
    intarna-compare ${flags} --fasta ${fasta} ${override} --blocks ${meta.block} --output ${meta.part}.tsv --report ${meta.part}.json \\
        --jobs ${task.cpus} ${task.ext.args ?: ''} ${pairs}
    """

    stub:
    """
    touch ${meta.part}.tsv ${meta.part}.json
    """
}
