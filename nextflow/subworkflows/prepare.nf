// From RNAs and the pairs that are known to a table that can be trained on and judged by.
include { CUPID_FILTER    } from '../modules/cupid_filter'
include { CUPID_SPLIT     } from '../modules/cupid_split'
include { CUPID_AUGMENT   } from '../modules/cupid_augment'
include { CUPID_NEGATIVES } from '../modules/cupid_negatives'

workflow PREPARE {
    take:
    datasets   // [meta, row]: the files of a data set by column of the samplesheet
    parameters

    main:
    CUPID_FILTER(
        datasets.map { meta, row -> [meta, row.fasta, row.pairs, row.types ?: []] },
        parameters.options('cupid-filter'),
    )
    // Who is related matters to a split only where relatives are kept together.
    groups = datasets.map { meta, row -> [meta, parameters.get('strict') && row.groups ? row.groups : []] }
    CUPID_SPLIT(CUPID_FILTER.out.kept.join(groups), parameters.options('cupid-split'))
    fasta = CUPID_FILTER.out.kept.map { meta, kept, _pairs -> [meta, kept] }
    CUPID_AUGMENT(fasta.join(CUPID_SPLIT.out.split), parameters.options('cupid-augment'))
    CUPID_NEGATIVES(CUPID_AUGMENT.out.augmented, parameters.options('cupid-negatives'))
    // cupid-filter has written the types into the headers.
    rnas = CUPID_AUGMENT.out.augmented.map { meta, all, _pairs -> [meta, all, []] }

    emit:
    kept     = CUPID_FILTER.out.kept.map { meta, fasta, pairs -> [meta, fasta, [], pairs] } // [meta, FASTA, [], pairs]
    dataset  = rnas.join(CUPID_NEGATIVES.out.dataset) // [meta, FASTA, [], pairs with label and split]
    versions = CUPID_FILTER.out.versions.mix(CUPID_SPLIT.out.versions, CUPID_AUGMENT.out.versions, CUPID_NEGATIVES.out.versions)
}
