// RNAs to one store of vectors, block by block.
include { gathered } from './gathered'
include { CUPID_EMBED       } from '../modules/cupid_embed'
include { CUPID_EMBED_MERGE } from '../modules/cupid_embed_merge'

workflow EMBED_RNAS {
    take:
    rnas       // [meta, FASTA, types or [], model or []]
    parameters

    main:
    CUPID_EMBED(
        rnas.flatMap { meta, fasta, types, model ->
            Blocks.share(meta, Blocks.ofFasta(fasta, parameters.bytes('embed_block')))
                .collect { part -> [part, fasta, types, model] }
        },
        parameters.options('cupid-embed'),
    )
    CUPID_EMBED_MERGE(
        rnas.map { meta, fasta, _types, _model -> [meta, fasta] }.join(gathered(CUPID_EMBED.out.store)),
        parameters.options('cupid-embed', [merging: true]),
    )

    emit:
    store    = CUPID_EMBED_MERGE.out.store // [meta, vectors, ids]
    versions = CUPID_EMBED.out.versions.mix(CUPID_EMBED_MERGE.out.versions)
}
