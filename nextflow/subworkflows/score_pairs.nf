// Score pair tables, block by block.
include { gathered } from './gathered'
include { CUPID_SCORE       } from '../modules/cupid_score'
include { CUPID_SCORE_MERGE } from '../modules/cupid_score_merge'

workflow SCORE_PAIRS {
    take:
    tables     // [meta, FASTA, types or [], pairs, model or [] where meta.model names one, vectors or [], ids or []]
    parameters

    main:
    CUPID_SCORE(
        tables.flatMap { meta, fasta, types, pairs, model, vectors, ids ->
            Blocks.share(meta, Blocks.ofTable(pairs, parameters.bytes('score_block')))
                .collect { part -> [part, fasta, types, pairs, model, vectors, ids] }
        },
        parameters.options('cupid-score'),
    )
    CUPID_SCORE_MERGE(tables.map { meta, _fasta, _types, pairs, _model, _vectors, _ids -> [meta, pairs] }.join(gathered(CUPID_SCORE.out.scores)))

    emit:
    scores   = CUPID_SCORE_MERGE.out.scores // [meta, scores]
    versions = CUPID_SCORE.out.versions.mix(CUPID_SCORE_MERGE.out.versions)
}
