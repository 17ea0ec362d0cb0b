// Join the energies of all blocks of a pair table.
process INTARNA_COMPARE_MERGE {
    tag "${meta.id}"
    label 'process_single'

    input:
    tuple val(meta), path(fasta, stageAs: 'rnas/*'), path(types, stageAs: 'types/*'), path(pairs, stageAs: 'pairs/*'), path(parts, stageAs: 'parts/*')
    tuple val(flags), path(files)

    output:
    tuple val(meta), path("${meta.name}.tsv"), emit: energies
    tuple val(meta), path("${meta.name}.json"), emit: report
    tuple val(task.process), val('cupid-tools'), eval('intarna-compare --version'), emit: versions

    script:
    def override = types ? "--types ${types}" : ''
    """
    intarna-compare ${flags} --fasta ${fasta} ${override} --output ${meta.name}.tsv --report ${meta.name}.json ${task.ext.args ?: ''} ${pairs} \\
        --merge parts/*.tsv
    """

    stub:
    """
    touch ${meta.name}.tsv ${meta.name}.json
    """
}
