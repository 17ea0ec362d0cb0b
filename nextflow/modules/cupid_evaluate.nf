// Judge the scores of all classifiers of a data set beside simple baselines.
process CUPID_EVALUATE {
    tag "${meta.id}"
    label 'process_low'

    input:
    tuple val(meta), path(fasta, stageAs: 'rnas/*'), path(types, stageAs: 'types/*'), path(scores), path(curves), path(groups, stageAs: 'groups/*'), path(genes, stageAs: 'genes/*'), path(explanations)
    tuple val(flags), path(files)

    output:
    tuple val(meta), path('report'), emit: folder
    tuple val(meta), path('evaluate.json'), emit: report
    tuple val(task.process), val('cupid-tools'), eval('cupid-evaluate --version'), emit: versions

    script:
    def inputs = [types: types, curves: curves, groups: groups, genes: genes, explanations: explanations]
        .collectMany { name, given -> [given].flatten().collect { file -> "--${name} ${file}" } }.join(' ')
    """
    cupid-evaluate ${flags} --fasta ${fasta} ${inputs} --output report --report evaluate.json \\
        ${task.ext.args ?: ''} ${scores}
    """

    stub:
    """
    mkdir report
    printf '# id: cupid_evaluate\\nSample\\tPairs\\nstub\\t0\\n' > report/cupid_mqc.tsv
    touch report/report.html evaluate.json
    """
}
