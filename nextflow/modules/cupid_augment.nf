// Add swapped and reversed copies of pairs.
process CUPID_AUGMENT {
    tag "${meta.id}"
    label 'process_single'

    input:
    tuple val(meta), path(fasta), path(pairs)
    tuple val(flags), path(files)

    output:
    tuple val(meta), path('all.fa'), path('augmented.tsv'), emit: augmented
    tuple val(meta), path('augment.json'), emit: report
    tuple val(task.process), val('cupid-tools'), eval('cupid-augment --version'), emit: versions

    script:
    """
    cupid-augment ${flags} --fasta ${fasta} --fasta-out all.fa --output augmented.tsv --report augment.json \\
        ${task.ext.args ?: ''} ${pairs}
    """

    stub:
    """
    touch all.fa augmented.tsv augment.json
    """
}
