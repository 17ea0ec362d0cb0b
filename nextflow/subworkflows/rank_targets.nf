// The best targets of every query, block by block of the queries.
include { gathered } from './gathered'
include { CUPID_RANK       } from '../modules/cupid_rank'
include { CUPID_RANK_MERGE } from '../modules/cupid_rank_merge'

workflow RANK_TARGETS {
    take:
    searches   // [meta, queries, targets, types or [], model or [] where meta.model names one, vectors or [], ids or []]
    parameters

    main:
    CUPID_RANK(
        searches.flatMap { meta, queries, targets, types, model, vectors, ids ->
            def count = Blocks.ofPairs(queries.countFasta(), targets.countFasta(), parameters.get('rank_block') as long)
            Blocks.share(meta, count).collect { part -> [part, queries, targets, types, model, vectors, ids] }
        },
        parameters.options('cupid-score', [rankings: true]),
    )
    CUPID_RANK_MERGE(
        searches.map { meta, queries, _targets, _types, _model, _vectors, _ids -> [meta, queries] }.join(gathered(CUPID_RANK.out.ranking)),
        parameters.options('cupid-score', [merging: true]),
    )

    emit:
    ranking  = CUPID_RANK_MERGE.out.ranking // [meta, ranking]
    versions = CUPID_RANK.out.versions.mix(CUPID_RANK_MERGE.out.versions)
}
