// Draw pairs that are not known to interact.
process CUPID_NEGATIVES {
    tag "${meta.id}"
    label 'process_single'

    input:
    tuple val(meta), path(fasta), path(pairs)
    tuple val(flags), path(files)

    output:
    tuple val(meta), path('dataset.tsv'), emit: dataset
    tuple val(meta), path('negatives.json'), emit: report
    tuple val(task.process), val('cupid-tools'), eval('cupid-negatives --version'), emit: versions

    script:
    """
    cupid-negatives ${flags} --fasta ${fasta} --output dataset.tsv --report negatives.json ${task.ext.args ?: ''} ${pairs}
    """

    stub:
    """
    touch dataset.tsv negatives.json
    """
}
