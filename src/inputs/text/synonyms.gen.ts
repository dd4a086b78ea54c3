// Made by scripts/make-synonyms.mjs from WordNet 3.1. WordNet (c) 2006 Princeton University, under its licence: see NOTICE.

/** Words that mean the same in their commonest sense, a group a line, after its part of speech: n, v, adj, adv. */
export const SYNONYMS = `
adj abashed embarrassed
adj aberrant deviant
adj abhorrent repulsive
adj abiding enduring
adj ablaze aflame
adj abominable odious
adj absorbed engrossed intent
adj accepted recognized
adj accusative accusing
adj acrobatic gymnastic
adj addlebrained muddleheaded
adj adept practiced proficient skillful
adj affectionate fond
adj affiliated attached connected
adj afflicted stricken
adj afloat aimless rudderless
adj aforesaid said
adj agape gaping
adj aged elderly older
adj aghast dismayed shocked
adj agile nimble
adj ailing peaked
adj airless stuffy
adj akin kindred
adj alienated anomic
adj amazed astonished stunned
adj amazing astonishing
adj ambiguous equivocal
adj amorphous shapeless
adj anatomic anatomical
adj anguished tormented tortured
adj annihilating withering
adj annoyed stung
adj annoying galling irritating nettlesome pestering
adj antic fantastic
adj anticipated awaited
adj appalling dismaying
adj apparent evident plain
adj ardent fervent fiery impassioned
adj ashen blanched
adj assorted miscellaneous mixed sundry
adj astute shrewd
adj attired dressed garbed
adj audacious dauntless
adj baffling knotty
adj baked parched scorched sunbaked
adj barbed biting
adj bare naked
adj baronial imposing noble stately
adj bearded bewhiskered whiskered
adj beefy burly husky
adj believable credible
adj beloved dear
adj belowground underground
adj biblical scriptural
adj big large
adj bigger larger
adj bizarre eccentric
adj blazing glaring
adj bleached faded
adj bloodstained gory
adj blue bluish
adj bogus fake phony
adj boisterous unruly
adj bony scrawny skinny
adj boring irksome tedious tiresome wearisome
adj boundless unbounded
adj branched forked
adj brave courageous
adj brilliant superb
adj broad wide
adj bronzed suntanned tanned
adj brooding contemplative meditative pensive reflective
adj brown brownish
adj brutal cruel savage vicious
adj bulging convex
adj bushy shaggy
adj cadaverous emaciated gaunt
adj cagey clever
adj candid forthright frank
adj canonized glorified
adj cardinal central fundamental
adj careworn drawn haggard
adj carnal sensual
adj carved carven
adj catastrophic ruinous
adj cheap inexpensive
adj cheery gay sunny
adj cherished precious treasured
adj chief main principal
adj childish infantile
adj clad clothed
adj clammy dank
adj clamorous vociferous
adj clandestine undercover
adj clogged clotted
adj cloudy nebulous
adj clumsy ungainly
adj cluttered littered
adj colloquial conversational
adj colossal prodigious stupendous
adj comic funny
adj coming upcoming
adj communist communistic
adj compromising conciliatory
adj concealed hidden
adj concerted cooperative
adj concluding final
adj concurrent cooccurring simultaneous
adj condescending patronizing
adj confining constraining limiting restricting
adj consequent resultant
adj constant unvarying
adj contemptuous disdainful scornful
adj contributing contributory
adj convulsive spasmodic
adj cordial genial
adj countless innumerable multitudinous myriad unnumbered
adj crafty sly wily
adj craggy mountainous
adj craved desired
adj crazed deranged
adj crimson red
adj crippling disabling
adj crotchety ornery
adj cryptic inscrutable mysterious
adj curious peculiar queer
adj cursory perfunctory
adj curved curving
adj dabbled splattered
adj damaging prejudicial
adj damn goddamn
adj damned darned goddam goddamned
adj damp moist
adj dapper jaunty
adj dappled mottled
adj deafening earsplitting thunderous
adj deathlike deathly
adj deficient lacking
adj deformed malformed
adj delicious delightful
adj dependable reliable
adj deprecating deprecatory
adj derisive gibelike mocking taunting
adj deserving worth
adj despairing desperate
adj despised hated
adj developing underdeveloped
adj dexterous dextrous
adj diminished lessened weakened
adj diminutive petite tiny
adj dingy grimy
adj dirty soiled unclean
adj disabled handicapped
adj disappointed frustrated
adj discernable discernible
adj discorporate disembodied
adj discouraged disheartened
adj discovered observed
adj diseased pathologic
adj disheveled frowzled tousled
adj disjointed garbled
adj disruptive tumultuous turbulent
adj distressing disturbing
adj dotted flecked speckled
adj drab dreary
adj drafty draughty
adj draped wrapped
adj dreadful frightening terrible
adj ebullient exuberant
adj edgy jumpy restive
adj electrifying thrilling
adj elementary unproblematic
adj endless interminable
adj engrossing fascinating
adj enigmatic puzzling
adj enormous tremendous
adj enraged maddened
adj entire total
adj envious jealous
adj eroded scoured
adj erratic mercurial quicksilver
adj erudite learned
adj eternal everlasting perpetual unending
adj everyday mundane unremarkable
adj exaggerated overdone
adj exalted lofty
adj exasperating infuriating maddening
adj excruciating torturing
adj exhausted fatigued
adj exhaustive thoroughgoing
adj extended lengthy prolonged
adj extra redundant
adj extreme utmost
adj exultant jubilant triumphant
adj famed famous illustrious noted
adj fascinated spellbound
adj fearless unafraid
adj feasible viable workable
adj ferocious fierce furious
adj feverish hectic
adj fictive pretended
adj fiendish satanic
adj financial fiscal
adj flashy gaudy tawdry
adj fleet swift
adj fleeting momentary
adj fleshy overweight
adj foolhardy reckless
adj forbidden taboo
adj forty twoscore
adj frenzied manic
adj frightened scared
adj frightful horrible horrifying
adj furtive stealthy
adj futile unavailing
adj fuzzed fuzzy
adj galvanic voltaic
adj geographic geographical
adj ghastly gruesome macabre
adj ghostlike ghostly
adj gigantic mammoth
adj gilded gilt golden
adj girlish schoolgirlish
adj given granted
adj glinting glittering
adj glistening shiny
adj glowering morose sullen
adj glued pasted
adj graded ranked stratified
adj grammatic grammatical
adj granular gritty
adj gray grey
adj greasy oily
adj greatest sterling
adj grim inexorable relentless
adj gummy sticky
adj hackneyed threadbare timeworn trite
adj hapless pathetic piteous poor
adj harassed pestered
adj hardworking industrious
adj hardy sturdy
adj haughty supercilious swaggering
adj haunted obsessed
adj hazy misty
adj heedless unheeding
adj hideous outrageous
adj honest honorable
adj huge immense vast
adj humble lowly
adj hurrying scurrying
adj hyperbolic inflated
adj identical indistinguishable
adj ill sick
adj imaginative inventive
adj immaculate spic spotless
adj imminent impending
adj implike mischievous puckish
adj improbable unlikely
adj improvised makeshift
adj impudent insolent
adj incensed indignant outraged
adj incertain uncertain
adj incisive keen penetrating
adj incomprehensible inexplicable
adj inconceivable unimaginable
adj incredible unbelievable
adj indecent untoward
adj indefatigable tireless
adj indefensible untenable
adj indescribable ineffable unspeakable untellable
adj individualized personalized
adj inescapable unavoidable
adj infamous notorious
adj infective pathogenic
adj infertile unfertile
adj inglorious shameful
adj inherent integral
adj inhibitory repressive
adj insistent repetitive
adj integrated unified
adj intelligible understandable
adj interfering meddling
adj interlocking interwoven
adj invaluable priceless
adj ironic wry
adj irritable peevish
adj jaded wearied
adj jammed packed
adj jocose jocular
adj jolly jovial merry
adj jutting projected sticking
adj labeled tagged
adj laden ladened loaded
adj lanky rangy
adj lapsed nonchurchgoing
adj lasting permanent
adj leading stellar
adj leaning tilted
adj lifelike vivid
adj lifted upraised
adj lingual linguistic
adj little small
adj located situated
adj lone lonely
adj looking sounding
adj lousy rotten stinking
adj lukewarm tepid
adj luscious voluptuous
adj lush profuse riotous
adj mangled torn
adj marked pronounced
adj marvelous wonderful wondrous
adj maximal maximum
adj melodious tuneful
adj menacing ominous sinister threatening
adj militant warlike
adj minimal minimum
adj mobile wandering
adj motionless static
adj mute unspoken
adj muted subdued
adj nagging shrewish
adj nauseated sickish
adj needed required
adj neglected unheeded
adj null void
adj objectionable obnoxious
adj optimal optimum
adj opulent sumptuous
adj overriding paramount
adj panicked terrified
adj particular special
adj pastelike pasty
adj philosophic philosophical
adj pitiable pitiful
adj pitiless remorseless ruthless
adj placid tranquil
adj poignant touching
adj powdered powdery pulverized
adj preferable preferred
adj preparative preparatory
adj pressing urgent
adj prominent salient
adj provisional tentative
adj prurient salacious
adj reasonable sensible
adj recurrent repeated
adj religious spiritual
adj remarkable singular
adj rending ripping splitting
adj resonant resounding
adj resplendent splendid
adj revealing telling telltale
adj rhythmic rhythmical
adj rickety shaky wobbly
adj rigorous strict
adj rubberlike rubbery
adj sallow sickly
adj satiric satirical
adj screechy squeaky
adj sequential serial successive
adj shadowed shadowy
adj shaved shaven
adj silly wacky
adj sinful ungodly
adj slanted slanting sloping
adj slender slim
adj smothered strangled
adj smothering suffocating
adj social societal
adj spectacular striking
adj staggering stupefying
adj starved starving
adj stoic stoical
adj stringy wiry
adj suitable suited
adj super topnotch
adj supplemental supplementary
adj swart swarthy
adj symmetric symmetrical
adj tactile tactual
adj talkative talky
adj teen teenage
adj teensy wee
adj thoriated tittering
adj tiring wearying
adj trichrome tricolor
adj unaccountable unexplainable
adj unanswered unrequited
adj uncanny weird
adj uneconomical wasteful
adj unfair unjust
adj unfaltering unshakable unwavering
adj unhurt unscathed
adj unique unparalleled
adj unlovely unpicturesque
adj unnecessary unneeded
adj unobtainable unprocurable
adj unreflective unthinking
adj unshaved unshaven
adj unsloped upright
adj untested untried
adj vernal youthful
adj vibrant vivacious
adv ably competently
adv about approximately roughly
adv above supra
adv absently absentmindedly
adv absolutely perfectly utterly
adv accordingly consequently
adv acutely keenly
adv advisedly deliberately intentionally purposely
adv after afterward afterwards later subsequently
adv agilely nimbly
adv almost nearly
adv along on
adv alternatively instead
adv altogether completely entirely totally wholly
adv amply richly
adv anxiously uneasily
adv anyhow anyway
adv apparently ostensibly seemingly
adv appropriately suitably
adv arbitrarily haphazardly indiscriminately randomly
adv as equally
adv away forth
adv awfully terribly
adv backward backwards rearward
adv badly severely
adv barely hardly scarce scarcely
adv basically essentially fundamentally
adv before earlier
adv below beneath
adv blithely gayly happily jubilantly merrily
adv brightly brilliantly
adv but just merely only simply
adv candidly frankly honestly
adv certainly surely
adv chiefly mainly primarily principally
adv closer nearer
adv commonly normally ordinarily usually
adv comparatively relatively
adv compassionately pityingly
adv considerably substantially
adv consistently systematically
adv constantly invariably
adv contemptuously scornfully
adv crazily insanely
adv curiously oddly
adv dangerously perilously
adv decidedly definitely emphatically
adv deeply profoundly
adv deplorably woefully
adv desperately urgently
adv determinedly unfalteringly
adv dismally drearily
adv disregardless irrespective regardless
adv doggedly tenaciously
adv doubtless undoubtedly
adv dourly sullenly
adv dreadfully horribly
adv earnestly seriously
adv enormously staggeringly tremendously
adv erratically unpredictably
adv especially particularly
adv eternally everlastingly forever
adv eventually finally
adv evidently manifestly obviously plainly
adv exactly precisely
adv excellently magnificently splendidly
adv exclusively solely
adv exhaustively thoroughly
adv extravagantly profusely
adv extremely highly
adv fairly moderately pretty reasonably
adv faithfully reliably
adv faster quicker
adv ferociously fiercely
adv firmly steadfastly
adv fondly lovingly
adv forthwith immediately instantly
adv fortunately luckily
adv frantically madly
adv frequently often oftentimes
adv freshly newly
adv furthermore moreover
adv genuinely really truly
adv gravely soberly
adv hastily hurriedly
adv hence therefore thus
adv hereafter hereinafter
adv heretofore hitherto
adv however nevertheless nonetheless notwithstanding withal
adv immensely vastly
adv inadvertently unwittingly
adv increasingly progressively
adv individually separately
adv indoors inside
adv inescapably unavoidably
adv irritably petulantly testily
adv justly rightly
adv largely mostly
adv lately recently
adv likewise similarly
adv marvelously superbly wonderfully wondrously
adv maybe perhaps possibly
adv mutely silently wordlessly
adv obstinately stubbornly
adv partially partly
adv presently soon
adv proportionally proportionately
adv purely strictly
adv purportedly supposedly
adv quickly rapidly speedily
adv quietly softly
adv rarely seldom
adv remarkably unusually
adv shyly timidly
adv slightly somewhat
adv someplace somewhere
adv thenceforth thereafter
adv tiredly wearily
adv transversally transversely
adv unambiguously unequivocally
adv uncertainly unsteadily
adv unfortunately unluckily
adv unimpeachably unquestionably
adv up upward upwards
adv westward westwards
n abasement abjection
n abdomen belly
n abode residence
n abreaction catharsis
n abruptness curtness
n abstruseness obscurity
n accessory accouterment
n accomplishment achievement
n accountant controller
n accretion accumulation
n acetonemia ketosis
n acquaintance familiarity
n acrobatics tumbling
n acting playacting
n ad advertisement advertising
n adherent disciple
n adieu adios
n admirer protagonist supporter
n ado flurry
n adolescent teenager
n adroitness quickness
n adult grownup
n adulthood maturity
n adventure escapade
n adversary antagonist
n adversity hardship
n advisor consultant
n agency bureau
n aggregation collection
n aggressor attacker
n ailment complaint
n airplane plane
n alarm consternation
n alertness vigilance
n alignment coalition
n allegory parable
n alley alleyway
n allocation allotment
n altercation fracas
n amazement astonishment
n ambiance atmosphere
n ambuscade ambush
n ammo ammunition
n amplification elaboration
n ancestor antecedent
n ancestry lineage pedigree
n animal beast creature
n annihilation obliteration
n announcement proclamation
n annoyance irritation
n anticipation expectancy
n antipathy aversion distaste
n apogee culmination
n apothecary pharmacist
n apparatus setup
n apparition phantom
n applause clapping
n applicability pertinence
n appraisal assessment
n approval blessing
n ardor zeal
n arena domain
n argot jargon
n aristocracy nobility
n arms munition
n aroma odor
n artilleryman gunner
n artistry prowess
n aspect facet
n ass buttocks
n assemblage gathering
n assistant helper
n assortment potpourri variety
n assumption premise
n assurance confidence
n asynchrony desynchronizing
n athletics sport
n attire garb
n attorney lawyer
n audacity temerity
n author writer
n authorities government regime
n authority potency
n authorization mandate
n auto automobile car motorcar
n autonomy liberty
n autopsy necropsy
n award awarding
n awareness cognizance
n ax axe
n axiom maxim
n babe baby infant
n backing patronage
n backstage offstage
n baggage luggage
n balustrade banister
n barb jibe
n barkeep bartender
n basement cellar
n bathtub tub
n battle engagement
n battlefield battleground
n bawdyhouse brothel
n beard whiskers
n bearer toter
n being existence
n bequest legacy
n bewilderment puzzlement
n bias prejudice
n bickering squabble
n bitterness rancor resentment
n bivouac camp
n blare blaring din
n bloke chap fella fellow lad
n bonus fillip
n booty loot plunder
n booze liquor spirits
n boss foreman
n bottleneck constriction
n bottom underside
n boulder bowlder
n boundary bounds
n bouquet corsage
n bravery courage
n brilliancy luster splendor
n bringing delivery
n brink verge
n broadside flyer
n brook creek
n brow forehead
n bucket pail
n buddy crony
n buff devotee
n buffoon clown
n building edifice
n bulge protuberance
n bulk majority
n bully roughneck rowdy ruffian
n bum puke skunk
n bunch clump cluster
n bundle packet
n burden encumbrance
n bush shrub
n bushwhacker hillbilly
n cadaver corpse
n cafe coffeehouse
n calamity catastrophe tragedy
n calculation computation
n caliber calibre
n calmness composure equanimity
n camping tenting
n capacitor condenser
n career vocation
n cargo freight shipment
n carpet rug
n case instance
n castle palace
n cattle cows oxen
n cavalryman trooper
n cavity pit
n cc milliliter ml
n celerity rapidity
n cemetery graveyard
n centering focusing
n centimeter cm
n chagrin mortification
n champ champion
n chance opportunity
n characterization delineation
n cheering shouting
n child kid youngster
n chump sucker
n chunk clod
n churchman cleric
n chute parachute
n circumstances luck
n city metropolis
n clangor clangoring clash
n clannishness exclusiveness
n clarity clearness lucidity
n classmate schoolmate
n classroom schoolroom
n cleaning cleansing
n clergyman reverend
n clique ingroup
n closet cupboard
n cloth fabric textile
n cloudburst downpour torrent
n clowning prank
n coast seacoast
n cohesion cohesiveness
n colony settlement
n commerce commercialism
n commiseration pity
n commission committee
n communicating communication
n commutation commuting
n companion comrade
n component element
n comportment mien
n compunction remorse
n conceit vanity
n concept conception
n condemnation disapprobation
n conduction conductivity
n configuration constellation
n confirmation verification
n consequence effect upshot
n consolation solace
n consumption intake uptake
n contamination taint
n contempt disdain scorn
n continuance continuation
n contraption contrivance gadget
n corporeality physicalness
n cosmos universe
n couch sofa
n counseling guidance
n country nation
n coup takeover
n courier messenger
n court tribunal
n cowboy cowhand cowpuncher puncher
n cramp spasm
n craze furor
n creativeness creativity
n credo creed
n criminal crook felon
n criterion touchstone
n crossroads hamlet
n curtain drapery
n dad daddy pa papa
n dais pulpit rostrum
n dawn dawning daybreak
n daylight daytime
n deadlock impasse standstill
n dealer trader
n debility feebleness infirmity
n debris junk rubble
n debut introduction
n deceleration retardation slowing
n decoration ornament
n decree fiat
n defection desertion
n defender guardian
n deficiency lack
n deficit shortage
n defining shaping
n deformation distortion
n deity divinity
n delirium frenzy hysteria
n departure going leaving
n dependence dependency
n depot terminal
n derivative differential
n descendant descendent
n desecration sacrilege
n despair desperation
n destiny fate
n detection sensing
n detector sensor
n determination finding
n devilment mischief shenanigan
n diagnosing diagnosis
n diagnostician pathologist
n diam diameter
n diarrhea diarrhoea
n diary journal
n dictatorship tyranny
n dictum pronouncement
n differentiation distinction
n directionality directivity
n director manager
n disappointment letdown
n disbelief skepticism
n disclosure revelation
n discredit disrepute
n disposition temperament
n disruption interruption
n district territory
n dive honkytonk
n diversion recreation
n divertimento serenade
n doctor physician
n doctrine ism philosophy
n dogma tenet
n doorhandle doorknob
n dope gage
n dozens lots scores tons wads
n dramatist playwright
n droppings dung
n dross impurity
n dusk nightfall twilight
n duty obligation responsibility
n dweller inhabitant
n earnestness seriousness sincerity
n earnings profit profits
n earth globe
n earthquake quake
n eating feeding
n echo reverberation
n ecstasy rapture
n effluent wastewater
n elector voter
n embodiment incarnation
n emotionalism emotionality
n encroachment intrusion
n endeavor enterprise
n endowment talent
n enigma mystery
n enlargement expansion
n enrollment registration
n entirety totality
n entrance entranceway
n epicure gourmet
n epitome prototype
n epoch era
n error fault mistake
n ethics morals
n evangelist gospeler
n evidence grounds
n evildoer sinner
n examination scrutiny
n excess surplus
n exclaiming exclamation
n excursion outing
n exercise exercising workout
n expiration termination
n expletive oath swearing
n eyeball orb
n eyelid lid
n factory mill
n faith religion
n family household
n farming husbandry
n fashion manner mode style way
n fatigue weariness
n fear fright
n fence fencing
n ferment fermentation unrest
n ferocity fierceness
n fiddle violin
n figurine statuette
n figuring reckoning
n film movie
n fireplace hearth
n fisher fisherman
n fishmonger fishwife
n fleck scrap
n floor flooring
n foam froth
n foible idiosyncrasy
n foliage leaf
n folly foolishness
n food nutrient
n footing terms
n foreboding premonition
n forest woods
n fort garrison
n forte specialty
n fowl poultry
n foyer lobby vestibule
n fragrance perfume scent
n frambesia yaws
n freak monstrosity
n freeway pike superhighway thruway
n fringe periphery
n frog toad
n fury rage
n fusion unification
n gag jest joke
n gaiety merriment
n gal gallon
n gallantry heroism valor
n ghost specter
n ginmill saloon
n glasses spectacles
n glee hilarity
n glycerine glycerol
n gm gram
n graining woodgraining
n grandma grandmother granny
n grappling wrestling
n greatcoat overcoat
n group grouping
n growing growth
n grumbling rumble
n gunfire gunshot
n gunman gunslinger
n gusto relish zest
n hall hallway
n hallmark stylemark trademark
n handbag purse
n handclasp handshaking
n happening occurrence
n harm injury
n harshness scratchiness
n haversack knapsack
n hawker peddler
n hayfield meadow
n hazard jeopardy peril
n headmaster schoolmaster
n healer therapist
n hearer listener
n heaven paradise
n hello hi
n hideaway hideout
n highwayman hijacker
n hillock knoll
n hitter slugger
n holding retention
n holiday vacation
n homeland motherland
n hood punk
n hospital infirmary
n hostelry inn
n hotshot virtuoso wizard
n hour hr
n housekeeping housework
n housing lodging
n howl howling
n hugging kissing petting
n hunch suspicion
n hurler pitcher
n icebox refrigerator
n idea thought
n idiom parlance
n idiot imbecile
n illness sickness
n imagery imaging
n imbalance unbalance
n imp pixie
n imposition infliction
n impotence impotency
n imprecation malediction
n impression notion
n incentive inducement
n incipience incipiency
n inclination tendency
n indecision irresolution
n individual person someone
n individualism individuality
n induction initiation
n inflow influx
n inoculation vaccination
n inscription lettering
n instant twinkling
n instructor teacher
n instrumentalist musician
n insularity insulation
n insurrection revolt uprising
n integrating integration
n integrity unity
n intention purpose
n interrelation interrelationship
n interrogation interrogative
n investigator researcher
n involvement participation
n irony sarcasm satire
n irritability petulance
n jeep landrover
n jimdandy jimhickey
n job occupation
n john lavatory privy toilet
n journey journeying
n jumble muddle welter
n juncture occasion
n justness nicety
n keenness sharpness
n keepsake souvenir
n kilometer km
n kind sort
n kingdom realm
n lab laboratory
n labor labour proletariat
n labyrinth maze
n lappet wattle
n lashing whipping
n lather soapsuds suds
n lb pound
n leakage outflow
n lengthening perpetuation prolongation
n letter missive
n likeness similitude
n limbo oblivion
n limitation restriction
n lobscouse lobscuse
n locality neighborhood neighbourhood vicinity
n longing yearning
n lot mint
n lumber timber
n luminary notable
n lunch luncheon
n ma mama mamma mommy
n machinist mechanic
n madman maniac
n maintenance upkeep
n maleness masculinity
n malingering skulking
n manpower men
n market marketplace
n marketing merchandising selling
n marriage matrimony
n math mathematics
n maturation ripening
n measurement measuring
n melody tune
n melting thawing
n menace threat
n mentality outlook
n merchandise product
n metro subway
n mg milligram
n microphone mike
n midday noon
n milieu surroundings
n militia reserves
n millimeter mm
n min minute
n mind psyche
n minister parson pastor
n ministration succor
n misbehavior misdeed
n misdemeanor violation
n misery wretchedness
n misgiving qualm
n misinterpretation mistaking misunderstanding
n mob rabble
n mockery scoffing
n monarch sovereign
n mortician undertaker
n motivation motive
n motto shibboleth slogan
n murmuring muttering
n musing reflection
n myofibril myofibrilla
n narrative story tale
n nationalism patriotism
n naught nothing
n negotiation talks
n news tidings
n newsman reporter
n night nighttime
n notification presentment
n nourishment sustenance
n nuance subtlety
n objection remonstrance
n observance watching
n occupancy tenancy
n occupant resident
n offence offensive
n opposition resistance
n orator rhetorician
n ordinance regulation
n origin source
n orthophosphate phosphate
n outlay spending
n owner proprietor
n pacing tempo
n pact treaty
n pains striving
n pander pimp procurer
n pang twinge
n panic terror
n part portion
n partner spouse
n past yesteryear
n peal pealing
n pecs pectoral pectoralis
n penalty punishment
n penance repentance
n peptidase protease
n percent percentage
n persistency tenacity
n perspiration sweat
n phone telephone
n phonemics phonology
n photo photograph
n phraseology wording
n physiognomy visage
n pier wharf
n plant works
n plenitude plenty
n plight predicament
n poetry verse
n portrait portrayal
n potential potentiality
n power powerfulness
n preaching sermon
n precedence priority
n predominance predomination
n pretence pretension
n procedure process
n proceeding proceedings
n proceeds takings
n profusion richness
n project task undertaking
n promotion publicity
n prostitute whore
n provision proviso
n pupil student
n rail railing
n railroad railway
n rain rainfall
n range scope
n rascal rogue
n rating valuation
n rattler rattlesnake
n reactivity responsiveness
n receipts revenue
n recollection remembrance
n redemption salvation
n redevelopment renovation
n reissue reprint
n relevance relevancy
n remainder rest
n remuneration salary wage
n replacement replacing
n reprieve respite
n repugnance revulsion
n retaliation revenge
n rhino rhinoceros
n roadside wayside
n roaring thunder
n rock stone
n rundown summation
n runner smuggler
n sadness unhappiness
n salesgirl saleslady
n saltwater seawater
n scheme strategy
n schoolmarm schoolmistress
n scoundrel villain
n screaming shriek shrieking
n seafarer seaman
n seahorse walrus
n sealing waterproofing
n sentinel sentry
n serenity tranquility
n serpent snake
n shack shanty
n shallowness superficiality
n shoelace shoestring
n shooting shot
n shop store
n shopkeeper storekeeper tradesman
n shred whit
n signal signaling
n sin sinfulness
n singer vocalist
n singularity uniqueness
n sis sister
n sod sward turf
n soldiery troops
n somersault somersaulting
n sonority vibrancy
n spectator viewer watcher
n speed velocity
n spire steeple
n splatter splutter sputtering
n sportsman sportswoman
n spring springtime
n staircase stairway
n stairs steps
n standpoint viewpoint
n stimulant stimulus
n subordinate underling
n sunlight sunshine
n synchronism synchrony
n tears weeping
n theater theatre
n theme topic
n transmission transmitting
n traveler traveller
n triumph victory
n tube tubing
n tumor tumour
n tumult uproar
n typewriting typing
n ulcer ulceration
n usage utilization
n velour velours
n veranda verandah
n verve vitality
n war warfare
n washbasin washbowl
n whir whirring
n whiskey whisky
n winter wintertime
n wool woolen
n year yr
v abhor loathe
v abide bide
v abridge foreshorten
v abuse maltreat
v accelerate quicken
v accentuate emphasize
v acclaim hail
v accomplish fulfil fulfill
v accumulate compile
v achieve attain
v acknowledge admit
v acquaint introduce
v acquit exonerate
v activate actuate
v adopt espouse
v adorn decorate
v advocate recommend
v affirm confirm corroborate substantiate
v aggravate exacerbate
v agree concur
v aid assist help
v alleviate relieve
v allocate apportion
v allow let
v amaze astonish astound
v amplify magnify
v analyse analyze examine
v animate enliven inspire
v annihilate eradicate
v annoy irritate vex
v answer reply
v antagonise counteract
v appear seem
v appease conciliate mollify pacify
v apply employ use utilize
v appraise assess evaluate
v apprehend comprehend savvy
v approve sanction
v arbitrate intercede mediate
v arise originate
v arouse elicit evoke
v ascertain determine
v ascribe attribute impute
v assail assault
v associate link relate
v assume presume
v assure ensure
v atone expiate
v attempt try
v attest certify manifest
v augur bode portend presage
v avenge retaliate
v badger pester tease
v baffle bewilder mystify puzzle
v banish ostracize
v bask enjoy savor
v batter buffet
v bawl bellow
v bedamn imprecate
v befuddle confound
v beg implore
v beget sire
v begin commence start
v belie contradict
v bemoan bewail
v berate chide rebuke scold
v beset chivy harry
v besmirch calumniate
v bewitch captivate
v blaspheme curse swear
v blurt ejaculate
v blush redden
v boast brag
v bounce rebound ricochet
v build construct
v bushwhack waylay
v buy purchase
v calculate compute
v careen lurch stagger
v cater ply
v cavort romp skylark
v cease discontinue quit
v choose select
v chortle chuckle
v cite mention
v clarify elucidate
v cling cohere
v clutch seize
v coalesce fuse mix
v coax wheedle
v coddle pamper
v coil gyrate
v collaborate cooperate
v commandeer hijack
v commit perpetrate
v compel oblige
v compete vie
v compound deepen
v conceal hide
v concern pertain
v condemn decry excoriate
v connote imply
v conquer suppress
v consider regard
v console soothe
v construe interpret
v contend postulate
v contribute lend
v coordinate organise
v cope grapple
v crawl creep
v creak screech squeak
v cringe flinch quail recoil wince
v criticise criticize
v croak die perish
v cross traverse
v crouch stoop
v crumble crumple
v cuddle nestle nuzzle snuggle
v curtail restrict
v dart flit
v dash scoot scud
v daydream woolgather
v deceive delude
v declaim recite
v decrease diminish lessen
v dedicate devote
v deduce derive infer
v deduct subtract
v defeat overcome
v defer postpone shelve
v define delimit
v defraud swindle
v defy withstand
v delve dig
v demur except
v deprive divest
v desert forsake
v deserve merit
v despatch dispatch
v despoil ransack
v destine doom
v detect notice observe
v deter discourage
v detest hate
v detonate explode
v deviate divert
v devise invent
v dictate prescribe
v differentiate distinguish
v dip dunk
v disable incapacitate
v disallow forbid prohibit proscribe
v disappear vanish
v disclose divulge
v discount dismiss
v disentangle extricate
v dishonor dishonour
v dispense distribute
v disperse sprinkle
v disregard ignore snub
v disrobe undress
v disrupt interrupt
v dissemble feign pretend
v distill purify
v distort falsify warp
v distrust mistrust
v dominate predominate
v doze drowse
v dribble trickle
v droop sag
v eddy purl
v elate uplift
v emancipate liberate
v embed imbed implant
v embrace encompass
v enact ordain
v enchant enthrall
v enclose envelop
v encourage promote
v endanger imperil jeopardize threaten
v endorse indorse
v engrave inscribe
v engross engulf
v enquire inquire
v enrol enroll recruit
v enthrone vest
v entice lure
v entomb inter
v entrust intrust
v enumerate itemize
v enunciate pronounce
v envisage imagine
v envision visualize
v epitomize typify
v eschew shun
v estimate gauge
v evade sidestep
v exalt glorify
v exceed transcend
v excel surpass
v excise expunge
v exclude omit
v extenuate mitigate
v flog lash
v flourish thrive
v flub spoil
v foreclose forestall preclude prevent
v forego precede
v foreknow foresee
v forgo waive
v forswear retract
v fortify strengthen
v found launch
v fret fuss
v frighten scare
v frustrate thwart
v fumble grope
v furnish provide supply
v gabble prattle
v gape gawk
v gasp pant
v gaze stare
v germinate sprout
v giggle titter
v glare glower
v glean harvest reap
v glint glisten glitter
v glut gorge overeat overindulge
v go travel
v groan moan
v guess reckon
v gush spout
v hanker yearn
v happen occur
v hesitate waver
v hinder impede
v hobble limp
v hypothesize speculate theorize
v idolize revere
v illuminate illumine
v imitate simulate
v incite motivate prompt
v incline tend
v incorporate integrate
v infest overrun
v inhabit live populate
v instal install
v instruct teach
v interlace intertwine lace twine
v jab poke
v jangle jingle
v jeer scoff
v jimmy prise pry
v jog ramble
v joggle wiggle
v jump leap
v justify vindicate
v lay put
v lean tilt
v loiter tarry
v lurk skulk
v maroon strand
v marry wed
v mash squash squeeze
v meditate mull muse ponder
v mend repair
v merge unify
v misconstrue misunderstand
v mislay misplace
v mold mould
v muffle stifle
v mumble mutter
v necessitate require
v nip pinch
v nudge prod
v outdo outstrip
v outrage scandalize
v overthrow subvert
v patronize sponsor
v penalize punish
v perch roost
v permeate pervade
v pilfer purloin
v pivot swivel
v plod trudge
v pommel pummel
v pounce swoop
v practise rehearse
v prance swagger
v preserve uphold
v print publish
v procure secure
v propose suggest
v quash repress subdue subjugate
v quell squelch
v race rush
v react respond
v rebut refute
v recall recollect remember
v recede retreat withdraw
v reconnoiter scout
v recover regain retrieve
v recreate vivify
v reenforce reinforce
v reexamine review
v refashion remake
v refill replenish
v reiterate repeat restate
v rend rip rive
v repeal rescind
v resign vacate
v resound reverberate
v resurrect upraise
v retch vomit
v reverence venerate
v revolve rotate
v roam rove wander
v ruffle undulate
v rupture tear
v salvage save
v scamper scurry scuttle
v scorch sear
v scream yell
v shamble shuffle
v sleep slumber
v slop spill
v snicker snigger
v squirm twist wriggle writhe
v stammer stutter
v superintend supervise
v supersede supplant
v swerve veer
v synthesise synthesize
v tantalize taunt
v thaw unthaw
v topple tumble
v twiddle twirl whirl
v underline underscore
v unlace untie
v wag waggle
v wallop whack
v yap yelp
`;
