// RNAs to stores of vectors.
include { EMBED_RNAS } from '../subworkflows/embed_rnas'

workflow EMBED {
    take:
    datasets   // [meta, row]: the files of a data set by column of the samplesheet
    parameters

    main:
    EMBED_RNAS(datasets.map { meta, row -> [meta + [name: meta.id], row.fasta, row.types ?: [], []] }, parameters)

    emit:
    versions = EMBED_RNAS.out.versions
}
