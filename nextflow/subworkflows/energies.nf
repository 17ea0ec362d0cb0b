// Interaction energies of pair tables, block by block.
include { gathered } from './gathered'
include { INTARNA_COMPARE       } from '../modules/intarna_compare'
include { INTARNA_COMPARE_MERGE } from '../modules/intarna_compare_merge'

workflow ENERGIES {
    take:
    tables     // [meta, FASTA, types or [], pairs]
    parameters

    main:
    INTARNA_COMPARE(
        tables.flatMap { meta, fasta, types, pairs ->
            Blocks.share(meta + [name: 'energies'], Blocks.ofTable(pairs, parameters.bytes('energy_block')))
                .collect { part -> [part, fasta, types, pairs] }
        },
        parameters.options('intarna-compare'),
    )
    INTARNA_COMPARE_MERGE(
        tables
            .map { meta, fasta, types, pairs -> [meta + [name: 'energies'], fasta, types, pairs] }
            .join(gathered(INTARNA_COMPARE.out.energies)),
        parameters.options('intarna-compare', [merging: true]),
    )

    emit:
    tables   = INTARNA_COMPARE_MERGE.out.energies.map { meta, energies -> [meta - [name: 'energies'], energies] } // [meta, pairs]
    versions = INTARNA_COMPARE.out.versions.mix(INTARNA_COMPARE_MERGE.out.versions)
}
