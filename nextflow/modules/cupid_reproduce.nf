// Repeat a published protocol, all variants of its table.
process CUPID_REPRODUCE {
    tag "${meta.id} ${meta.name}"
    label 'process_high'
    label 'process_gpu'

    input:
    tuple val(meta), path(fasta, stageAs: 'rnas/*'), path(pairs, stageAs: 'pairs/*'), path(types, stageAs: 'types/*'), path(groups, stageAs: 'groups/*'), path(recipe)
    tuple val(flags), path(files)

    output:
    tuple val(meta), path("tables/${meta.name}"), emit: folder
    tuple val(meta), path("${meta.name}.json"), emit: report
    tuple val(task.process), val('cupid-tools'), eval('cupid-reproduce --version'), emit: versions

    script:
    def override = types ? "--types ${types}" : ''
    def relatives = groups ? "--groups ${groups}" : ''
    """
    mkdir tables
    cupid-reproduce ${flags} --fasta ${fasta} ${override} ${relatives} --output tables/${meta.name} \\
        --report ${meta.name}.json --device ${task.accelerator ? 'cuda' : 'cpu'} --threads ${task.cpus} \\
        ${task.ext.args ?: ''} ${recipe ?: meta.name} ${pairs}
    """

    stub:
    """
    mkdir -p tables/${meta.name}
    touch tables/${meta.name}/summary.txt ${meta.name}.json
    """
}
