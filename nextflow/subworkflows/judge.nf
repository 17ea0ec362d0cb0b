// Score a data set with all of its models and judge them in one report, with drawings of the best pairs where asked for.
include { SCORE_PAIRS    } from './score_pairs'
include { CUPID_EXPLAIN  } from '../modules/cupid_explain'
include { CUPID_EVALUATE } from '../modules/cupid_evaluate'

workflow JUDGE {
    take:
    datasets   // [meta, row]: the files of a data set by column of the samplesheet
    dataset    // [meta, FASTA, types or [], pairs with label and split]
    known      // [meta, FASTA, types or [], pairs]: the first model explains the best of them
    models     // [meta + name, model or [] where meta.model names one, vectors or [], ids or [], curves or []]
    names      // of the models, in the order of the report
    parameters

    main:
    SCORE_PAIRS(
        models
            .map { meta, model, vectors, ids, _curves -> [meta.subMap('id'), meta, model, vectors, ids] }
            .combine(dataset, by: 0)
            .map { _id, meta, model, vectors, ids, fasta, types, pairs -> [meta, fasta, types, pairs, model, vectors, ids] },
        parameters,
    )
    first = models.filter { item -> parameters.get('explain') && item[0].name == names.first() }
    CUPID_EXPLAIN(
        first
            .map { meta, model, _vectors, _ids, _curves -> [meta.subMap('id'), meta, model] }
            .join(known)
            .map { _id, meta, model, fasta, types, pairs -> [meta, fasta, types, pairs, model] },
        parameters.options('cupid-explain'),
    )
    explanations = CUPID_EXPLAIN.out.folder.map { meta, folder -> [meta.subMap('id'), folder] }
    scored = SCORE_PAIRS.out.scores
        .join(models.map { meta, _model, _vectors, _ids, curves -> [meta, curves] })
        .map { meta, scores, curves -> [meta.subMap('id'), [names.indexOf(meta.name), scores, curves]] }
        .groupTuple(size: names.size())
        .map { meta, found -> [meta] + found.sort { item -> item[0] }.transpose().tail() }
    CUPID_EVALUATE(
        dataset
            .map { meta, fasta, types, _pairs -> [meta, fasta, types] }
            .join(scored)
            .join(datasets.map { meta, row -> [meta, row.groups ?: [], row.genes ?: []] })
            .join(parameters.get('explain') ? explanations : datasets.map { meta, _row -> [meta, []] })
            .map { meta, fasta, types, scores, curves, groups, genes, drawings ->
                [meta, fasta, types, scores, curves.flatten(), groups, genes, drawings]
            },
        parameters.options('cupid-evaluate'),
    )

    emit:
    report   = CUPID_EVALUATE.out.folder // [meta, folder]
    versions = SCORE_PAIRS.out.versions.mix(CUPID_EXPLAIN.out.versions, CUPID_EVALUATE.out.versions)
}
